/**
 * The element's style sheet. What a page may set are the custom properties of the first rule, and ::part().
 * Colours follow the page's color-scheme, so that the element is dark where the page is.
 */
export const STYLE = `
:host{display:block;container-type:inline-size;max-width:44rem;text-align:start;
--_bg:var(--wasmgrad-background,#fff);--_ink:var(--wasmgrad-color,#1b2430);--_muted:var(--wasmgrad-muted,#566170);
--_edge:var(--wasmgrad-border,#dfe3e8);--_well:var(--wasmgrad-well,#f3f5f8);--_accent:var(--wasmgrad-accent,#1560b0);
--_on-accent:var(--wasmgrad-on-accent,#fff);--_second:var(--wasmgrad-second,#b03a08);--_good:var(--wasmgrad-good,#19723c);
--_bad:var(--wasmgrad-bad,#b3261e);--_radius:var(--wasmgrad-radius,14px)}
@supports (color:light-dark(#000,#fff)){:host{
--_bg:var(--wasmgrad-background,light-dark(#fff,#171c24));--_ink:var(--wasmgrad-color,light-dark(#1b2430,#e8ebf0));
--_muted:var(--wasmgrad-muted,light-dark(#566170,#a5b0bd));--_edge:var(--wasmgrad-border,light-dark(#dfe3e8,#2f3742));
--_well:var(--wasmgrad-well,light-dark(#f3f5f8,#10141a));--_accent:var(--wasmgrad-accent,light-dark(#1560b0,#6db3ff));
--_on-accent:var(--wasmgrad-on-accent,light-dark(#fff,#0b1622));--_second:var(--wasmgrad-second,light-dark(#b03a08,#ffa46b));
--_good:var(--wasmgrad-good,light-dark(#19723c,#6fd197));--_bad:var(--wasmgrad-bad,light-dark(#b3261e,#ff9a90))}}
:host([hidden]){display:none}
*{box-sizing:border-box}
[hidden]{display:none!important}
.card{background:var(--_bg);color:var(--_ink);border:1px solid var(--_edge);border-radius:var(--_radius);padding:20px;
font:15px/1.45 var(--wasmgrad-font,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif);
display:grid;gap:16px;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.head{display:flex;flex-wrap:wrap;gap:4px 12px;align-items:flex-start;justify-content:space-between}
.titles{min-width:0;flex:1 1 14rem}
.title{margin:0;font-size:1.18em;font-weight:650;line-height:1.25;letter-spacing:-.01em}
.sub{margin:2px 0 0;color:var(--_muted);font-size:.9em}
.state{display:inline-flex;align-items:center;gap:7px;color:var(--_muted);font-size:.87em;white-space:nowrap;line-height:1.6}
.state::before{content:"";width:9px;height:9px;border-radius:50%;background:currentColor;opacity:.55}
[data-state=training] .state,[data-state=loading] .state,[data-state=testing] .state{color:var(--_accent)}
[data-state=training] .state::before,[data-state=loading] .state::before,[data-state=testing] .state::before{opacity:1;animation:pulse 1.4s ease-in-out infinite}
[data-state=done] .state{color:var(--_good)}[data-state=done] .state::before,[data-state=error] .state::before{opacity:1}
[data-state=error] .state{color:var(--_bad)}
@keyframes pulse{50%{opacity:.25}}
.figures{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:1px;margin:0;background:var(--_edge);
border:1px solid var(--_edge);border-radius:10px;overflow:hidden}
.figures div{background:var(--_bg);padding:10px 14px;min-width:0}
dt{color:var(--_muted);font-size:.82em}
dd{margin:0;font-size:1.3em;font-weight:620;line-height:1.35;letter-spacing:-.01em;white-space:nowrap}
dd.none{color:var(--_muted);font-weight:400}
.hero dd:not(.none){color:var(--_accent)}
[data-state=done] .hero dd:not(.none){color:var(--_good)}
.curves{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:16px}
figure{margin:0;min-width:0}
figcaption{display:flex;justify-content:space-between;gap:8px;font-size:.82em;color:var(--_muted);margin-bottom:4px}
figcaption b{font-weight:600;color:var(--_ink)}
.plot{position:relative;height:112px;background:var(--_well);border-radius:8px;overflow:hidden}
.plot svg{position:absolute;inset:10px 12px 10px 50px;width:calc(100% - 62px);height:calc(100% - 20px);overflow:visible}
.axis{position:absolute;left:0;width:44px;text-align:right;font-size:.73em;color:var(--_muted);line-height:12px;white-space:nowrap}
.axis.top{top:4px}.axis.bottom{bottom:4px}
.plot path,.legend path{fill:none;vector-effect:non-scaling-stroke;stroke-linejoin:round;stroke-linecap:round}
.grid{stroke:var(--_edge);stroke-width:1;stroke-linecap:butt!important}
.train{stroke:var(--_accent);stroke-width:1.75}
.validation{stroke:var(--_second);stroke-width:1.5;stroke-dasharray:1 4}
.dots{stroke:var(--_second);stroke-width:7}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;margin:-8px 0 0;padding:0;list-style:none;color:var(--_muted);font-size:.8em}
.legend li{display:flex;align-items:center;gap:6px}.legend svg{width:22px;height:10px;overflow:visible}
.samples{display:grid;grid-template-columns:repeat(10,minmax(0,1fr));gap:8px;margin:0;padding:0;list-style:none}
.samples li{min-width:0;text-align:center;font-size:.82em;line-height:1.3}
.samples canvas,.samples i{display:block;width:100%;aspect-ratio:1;object-fit:contain;border-radius:6px;background:#000;image-rendering:pixelated}
.samples i{background:var(--_well)}
.samples span{display:block;margin-top:3px;color:var(--_muted);white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.samples .right{color:var(--_good);font-weight:620}.samples .wrong{color:var(--_bad);font-weight:620}
.samples .wrong::after{content:" ✗" / ""}
.progress{display:grid;gap:6px}
.progress p{margin:0;display:flex;justify-content:space-between;gap:12px;font-size:.87em;color:var(--_muted)}
.progress span:last-child{white-space:nowrap}
.track{height:8px;border-radius:4px;background:var(--_well);box-shadow:inset 0 0 0 1px var(--_edge);overflow:hidden}
.fill{height:100%;width:100%;background:var(--_accent);border-radius:4px;transform:scaleX(0);transform-origin:0 50%}
:host(:dir(rtl)) .fill{transform-origin:100% 50%}
[data-state=paused] .fill{opacity:.5}
.track.unknown .fill{transform:none!important;width:35%;animation:slide 1.3s ease-in-out infinite alternate}
@keyframes slide{from{margin-left:0}to{margin-left:65%}}
[data-blank] :is(.figures,.curves,.legend,.samples,.progress,.foot){display:none}
.message{margin:0;padding:10px 14px;border-radius:10px;font-size:.92em;border:1px solid var(--_bad);border-left-width:4px;background:var(--_well);white-space:pre-line}
.message::first-letter{text-transform:uppercase}
.notice{margin:0;color:var(--_muted);font-size:.85em}
.foot{display:flex;flex-wrap:wrap;gap:10px 16px;align-items:center;justify-content:space-between}
.buttons{display:flex;flex-wrap:wrap;gap:8px}
button{font:inherit;font-weight:600;line-height:1.2;min-height:40px;padding:8px 18px;border-radius:9px;cursor:pointer;
border:1px solid var(--_edge);background:var(--_bg);color:var(--_ink)}
button:hover{border-color:var(--_muted)}
button.primary{background:var(--_accent);border-color:var(--_accent);color:var(--_on-accent);min-width:7.2em}
button.primary:hover{filter:brightness(1.08)}
button[aria-disabled=true]{opacity:.55;cursor:default;filter:none}
button:focus-visible{outline:3px solid var(--_accent);outline-offset:2px}
.facts{margin:0;color:var(--_muted);font-size:.82em}
.hidden{position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@container (max-width:480px){
.card{padding:16px;gap:14px}.curves{grid-template-columns:minmax(0,1fr)}.plot{height:92px}
.samples{grid-template-columns:repeat(5,minmax(0,1fr))}.figures div{padding:8px}dt{font-size:.75em}dd{font-size:1.12em}
.foot{display:block}.facts{margin-top:10px}.buttons button{flex:1}}
@media (prefers-reduced-motion:reduce){*,*::before{animation:none!important}}
@media (forced-colors:active){.fill{background:Highlight;forced-color-adjust:none}.train{stroke:CanvasText}.dots,.validation{stroke:Highlight}}
`;
