import { CHART_STYLE } from "./chart.ts";
import { Markup } from "./markup.ts";

/**
 * Background and text of the confusion matrix's shades, from the palest to the strongest. Text on each has a contrast of
 * at least 4.5, and blue against orange is told apart by the colour-blind too.
 */
const SHADES = {
  light: {
    right: ["#e3eefa", "#c4dcf4", "#94bfea", "#5b9bdb", "#2a73bf", "#0f4f94"],
    wrong: ["#fdebdd", "#fbd2b0", "#f6ae7a", "#ea8546", "#c4511b", "#96340b"],
    /** Shades from this one on carry the second text colour. */
    turn: 4,
    text: ["#14202e", "#ffffff"],
  },
  dark: {
    right: ["#16283d", "#1a3a5c", "#1f5185", "#2b6cb0", "#6aaae8", "#a8d1fb"],
    wrong: ["#38221a", "#552c18", "#7a3c1a", "#a04a18", "#f09355", "#ffc49a"],
    turn: 4,
    text: ["#f2f5f9", "#0d1622"],
  },
} as const;

function shades({ right, wrong, turn, text }: (typeof SHADES)["light" | "dark"]): string {
  const rules = (prefix: string, colours: readonly string[]) =>
    colours
      .map((colour, i) => `.${prefix}${i + 1}{background:${colour};color:${text[i < turn ? 0 : 1]}}`)
      .join("");
  return rules("right", right) + rules("wrong", wrong);
}

/** The page's style sheet. */
export const PAGE_STYLE = new Markup(`
:root{color-scheme:light dark;--page:#f5f6f8;--panel:#fff;--edge:#dfe3e8;--ink:#1b2430;--muted:#566170;--accent:#1560b0;--wrong:#b03a08;--note:#fff4e5;--note-edge:#f0c38a;--track:#e4e8ed;--shade:#1b243040}
@media (prefers-color-scheme:dark){:root{--page:#0f1318;--panel:#171c24;--edge:#2b323d;--ink:#e8ebf0;--muted:#a5b0bd;--accent:#6db3ff;--wrong:#ffa46b;--note:#33240f;--note-edge:#6b4b1c;--track:#2b323d;--shade:#000000b0}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:break-word}
.wrap{max-width:1160px;margin:0 auto;padding:clamp(20px,4vw,48px) clamp(16px,3vw,32px) 64px}
h1{font-size:clamp(1.5rem,3.4vw,2.1rem);line-height:1.2;margin:0 0 6px;letter-spacing:-.01em;text-wrap:balance;overflow-wrap:anywhere}
h2{font-size:1.2rem;line-height:1.3;margin:44px 0 4px}
h3{font-size:.95rem;margin:0 0 10px}
p{margin:0 0 14px;max-width:88ch;text-wrap:pretty}
.sub,.lead{color:var(--muted);overflow-wrap:anywhere}.sub{margin:0;max-width:none}.lead{font-size:.93rem}
.eyebrow{color:var(--muted);font-size:.8rem;letter-spacing:.06em;text-transform:uppercase;margin:0 0 8px}
.note{background:var(--note);border:1px solid var(--note-edge);border-radius:10px;padding:10px 14px;margin:18px 0 0;max-width:none}
.panel{background:var(--panel);border:1px solid var(--edge);border-radius:12px;padding:clamp(12px,2vw,20px);min-width:0}
.split{display:grid;gap:16px;grid-template-columns:minmax(0,1fr)}
@media (min-width:700px){.split{grid-template-columns:repeat(2,minmax(0,1fr))}.split.uneven,.split.wide{grid-template-columns:minmax(0,1fr)}}
@media (min-width:900px){.split.uneven{grid-template-columns:minmax(0,3fr) minmax(0,2fr)}.wide .mistakes{columns:2;column-gap:40px}}
.figures{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:12px;margin:22px 0 0}
.figures .hero .value{color:var(--accent);font-size:1.75rem;line-height:1.2}
@media (min-width:640px){.figures{grid-template-columns:repeat(3,minmax(0,1fr))}}
@media (min-width:1000px){.figures{grid-template-columns:minmax(0,1.5fr) repeat(5,minmax(0,1fr))}.figures .hero .value{font-size:2.2rem;line-height:1.15}}
.figures div{background:var(--panel);border:1px solid var(--edge);border-radius:12px;padding:14px 16px;display:flex;flex-direction:column;min-width:0}
.figures dt{color:var(--muted);font-size:.85rem}
.figures dd{margin:0}.figures .value{white-space:nowrap;font-size:1.35rem;font-weight:600;line-height:1.35;font-variant-numeric:tabular-nums;letter-spacing:-.01em}
.figures .more{color:var(--muted);font-size:.82rem}
.wg-chart{display:block;width:100%;height:auto}
.scroll{overflow-x:auto;overscroll-behavior-x:contain;background:linear-gradient(90deg,var(--panel) 40%,transparent) 0/36px 100% no-repeat local,linear-gradient(270deg,var(--panel) 40%,transparent) 100%/36px 100% no-repeat local,linear-gradient(90deg,var(--shade),transparent) 0/14px 100% no-repeat,linear-gradient(270deg,var(--shade),transparent) 100%/14px 100% no-repeat}
.scroll:focus-visible,summary:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:4px}
table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
caption{position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
th,td{padding:6px 10px;text-align:left;vertical-align:top;border-bottom:1px solid var(--edge)}
thead th{color:var(--muted);font-weight:600;font-size:.82rem;white-space:nowrap;vertical-align:bottom}
tbody th{font-weight:500}.kept>*{font-weight:700}
tbody tr:last-child>*{border-bottom:0}tfoot tr>*{border-top:2px solid var(--edge);border-bottom:0;font-weight:600}
.number{text-align:right;white-space:nowrap}.apart{padding-left:32px}
.name{min-width:7rem;overflow-wrap:anywhere}.name small{font-size:.9em;color:var(--muted);font-weight:400}
.pairs th,.pairs td,code{overflow-wrap:anywhere}.pairs th{width:42%;color:var(--muted);font-weight:400;padding-left:0}.pairs td{padding-right:0}
.stack{display:grid;gap:16px;align-content:start;min-width:0}
code{font:.88em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
details{margin-top:14px}summary{cursor:pointer;color:var(--accent);font-size:.93rem;width:fit-content}details[open] summary{margin-bottom:10px}
.matrix{width:auto;margin:0 auto;border-collapse:separate;border-spacing:2px;font-size:.82rem}
.matrix th,.matrix td{border:0;padding:0 4px}
.matrix td{min-width:2.9rem;height:2.3rem;text-align:center;vertical-align:middle;border-radius:4px;white-space:nowrap}
.matrix.many{font-size:.72rem;border-spacing:1px}.matrix.many td{min-width:1.75rem;height:1.75rem;padding:0 2px;border-radius:2px}
.matrix td.zero{color:var(--muted)}
.many td.zero{font-size:0}.many td.zero::after{content:"·" / "";font-size:.72rem}
.matrix td.diagonal{font-weight:700;box-shadow:inset 0 0 0 2px var(--accent)}
.matrix tbody th{position:sticky;left:0;background:var(--panel);text-align:right;vertical-align:middle;padding-right:8px;white-space:nowrap}
.matrix th span{display:inline-block;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;max-width:min(9rem,26vw);vertical-align:middle}
.matrix thead th{text-align:center;font-size:inherit}.matrix .corner{text-align:right;padding-right:8px;position:sticky;left:0;background:var(--panel)}
.matrix .turned span{writing-mode:vertical-rl;transform:rotate(180deg);max-width:none;max-height:8rem}
@media (max-width:479px){table{font-size:.84rem}.matrix thead th[colspan]{text-align:left}th,td{padding:6px}.name{min-width:8.5rem}.many td.zero{font-size:0}.many td.zero::after{content:"·" / "";font-size:.72rem}
.matrix td.diagonal{font-weight:500}.matrix{font-size:.66rem;border-spacing:1px}.matrix td{min-width:1.72rem;height:2rem;padding:0}.matrix .corner,.matrix tbody th{padding:0 5px 0 0}}
.legend{display:flex;flex-wrap:wrap;gap:6px 18px;margin:14px 0 0;padding:0;list-style:none;color:var(--muted);font-size:.82rem}
.legend li{display:flex;align-items:center;gap:4px}.legend i{width:14px;height:14px;border-radius:3px;display:inline-block}
${shades(SHADES.light)}
@media (prefers-color-scheme:dark){${shades(SHADES.dark)}}
.mistakes{margin:0;padding:0;list-style:none;font-size:.9rem}
.mistakes li{display:flex;justify-content:space-between;gap:12px;padding:6px 0;border-bottom:1px solid var(--edge);break-inside:avoid}
.mistakes span:first-child{min-width:0;overflow-wrap:anywhere}.mistakes span:last-child{color:var(--muted);white-space:nowrap;font-variant-numeric:tabular-nums}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(72px,1fr));gap:16px 10px;margin:0;padding:0;list-style:none}
.gallery figure{margin:0}
.gallery img{display:block;width:100%;height:auto;aspect-ratio:1;object-fit:contain;border-radius:6px;background:var(--track)}
.crisp{image-rendering:pixelated;image-rendering:crisp-edges;image-rendering:pixelated}
.gallery .bar{display:block;height:3px;border-radius:2px;background:var(--track);margin:5px 0 4px;overflow:hidden}.gallery .bar i{display:block;height:100%;background:var(--accent)}.gallery .wrong .bar i{background:var(--wrong)}
figcaption{font-size:.74rem;line-height:1.35;overflow-wrap:anywhere}
figcaption b{font-weight:600}.wrong figcaption b{color:var(--wrong)}figcaption span{display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:2;overflow:hidden}figcaption .fact{color:var(--muted);font-variant-numeric:tabular-nums}
.compared{margin:0;padding:0;list-style:none;display:grid;gap:14px}
.four,.compared .head{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));gap:8px;align-items:center}
.four img{display:block;width:100%;height:auto;border-radius:6px;background:var(--track)}
.four code:last-child{grid-column:span 2}
.compared .head{color:var(--muted);font-size:.8rem;text-align:center}
.compared .fact{margin:4px 0 0;color:var(--muted);font-size:.8rem;font-variant-numeric:tabular-nums}
.swatched i{display:inline-block;width:14px;height:14px;border-radius:3px;margin-right:8px;vertical-align:-2px}
.meter{width:22%;min-width:3rem;vertical-align:middle}.meter .bar{display:block;height:6px;border-radius:3px;background:var(--track);overflow:hidden}.meter .bar i{display:block;height:100%;background:var(--accent)}
.filters{display:grid;grid-template-columns:repeat(auto-fill,minmax(34px,1fr));gap:8px;margin:0;padding:0;list-style:none}
.filters img{display:block;width:100%;height:auto;border-radius:4px;border:1px solid var(--edge)}
@media (min-width:640px){.gallery{grid-template-columns:repeat(auto-fill,minmax(88px,1fr));gap:18px 12px}figcaption{font-size:.8rem}.filters{grid-template-columns:repeat(auto-fill,minmax(56px,1fr))}}
@media print{body{background:none}.panel,.figures div{break-inside:avoid}h2{break-after:avoid}}
${CHART_STYLE.text}
`);
