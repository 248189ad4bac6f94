import { machineLine } from "../peers/machine.mjs";

const HEADER = ["net", "parameters", "simd", "relaxed", "PyTorch", "simd, x", "relaxed, x"];

function caption({ machine, threads, batch, rows }) {
  return `${machineLine(machine)}. Training images a second at batch ${batch}, ${threads} thread${threads > 1 ? "s" : ""}, medians of turns; PyTorch ${rows[0]?.version} at its better memory layout; x: times as fast as PyTorch.`;
}

function cells({ rows }) {
  return rows.map(({ net, shape, parameters, speeds, layout }) => {
    const torch = speeds[layout];
    return [
      `${net}, ${shape.join("x")}`,
      parameters.toLocaleString("en"),
      ...[speeds.simd, speeds.relaxed, torch].map((value) => value.toFixed(0)),
      ...[speeds.simd, speeds.relaxed].map((value) => (value / torch).toFixed(2)),
    ];
  });
}

export function textTable(report) {
  const body = cells(report);
  const widths = HEADER.map((_, i) => Math.max(...[HEADER, ...body].map((row) => row[i].length)));
  const line = (row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("  ");
  return [caption(report), "", ...[HEADER, ...body].map(line)].join("\n");
}

export function markdownTable(report) {
  const line = (row) => `| ${row.join(" | ")} |`;
  const rule = HEADER.map((_, i) => (i === 0 ? "---" : "---:"));
  return [caption(report), "", ...[HEADER, rule, ...cells(report)].map(line)].join("\n");
}
