// The price of the last half hour against the bot's ladder: averages, take-profits, levels, liquidation, fills.

import { draw } from "./dom.js";
import { distance, price } from "./format.js";

const LABELS = 132;
const SPAN_MS = 30 * 60 * 1000;
const LINES_IN_VIEW = 2;
const GAP = 14;

export function paint(svg, bot, quote, points, fills, nowMs) {
  const width = svg.clientWidth, height = svg.clientHeight;
  if (!width) return;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  if (quote.last_px === null || quote.last_px === undefined) {
    svg.replaceChildren(draw("text", { x: width / 2, y: height / 2, "text-anchor": "middle" }, "waiting for a price"));
    return;
  }
  const right = width - LABELS, top = 8, bottom = height - 16;
  const marks = marksOf(bot);
  const [low, high] = extent(points, marks, Number(quote.last_px));
  const startMs = Math.min(Math.max(points[0]?.[0] ?? nowMs, nowMs - SPAN_MS), nowMs - 60000);
  const x = (ms) => Math.max(0, ((ms - startMs) / (nowMs - startMs)) * right);
  const y = (value) => bottom - ((value - low) / (high - low)) * (bottom - top);
  const scene = [draw("path", { class: "frame", d: `M0 ${bottom + .5}H${right}V${top}` })];
  const labels = [];
  for (const mark of marks) {
    const at = y(mark.value);
    if (mark.value < low || mark.value > high) {
      if (mark.always) labels.push({ ...mark, at: mark.value < low ? bottom - 2 : top + 2, beyond: true });
      continue;
    }
    scene.push(draw("path", { class: mark.className, d: `M0 ${at.toFixed(1)}H${right}` }));
    labels.push({ ...mark, at });
  }
  scene.push(draw("path", { class: "price", d: lineOf(points, quote, x, y, startMs, nowMs) }));
  scene.push(...fills.filter((fill) => fill.ts_ms >= startMs).map((fill) => fillMark(fill, x, y, low, high)).filter(Boolean));
  const last = y(Number(quote.last_px));
  scene.push(draw("circle", { class: "now", cx: right, cy: last, r: 3 }));
  labels.push({ text: price(quote.last_px, bot.tick_size), at: last, textClass: "now", rank: 0 });
  scene.push(...labelNodes(labels, right, top, bottom, bot, quote));
  scene.push(...timeTicks(startMs, nowMs, x, height));
  svg.replaceChildren(...scene);
}

function marksOf(bot) {
  const marks = [];
  for (const [word, leg] of Object.entries(bot.legs)) {
    const held = leg.levels.length > 0;
    const add = (text, value, kind, rank, extra = {}) =>
      marks.push({ leg: word, text, value: Number(value), className: `${kind} ${word}`, textClass: word, rank, ...extra });
    if (held && leg.entry_px !== null && Number(leg.entry_px) > 0) add(`${word} avg`, leg.entry_px, "average", 1, { frame: true });
    leg.exits.forEach((exit, place) => add("TP", exit.px, "exit", place ? 4 : 2, { frame: place === 0, label: place < 2 }));
    leg.lines.forEach((line, place) =>
      add(`L${line.level + 1}`, line.px, line.rests ? "line rests" : "line", 3 + place,
        { frame: place < LINES_IN_VIEW, label: place < LINES_IN_VIEW + 2 }));
    if (held && leg.break_even_px !== null) add("even", leg.break_even_px, "even", 9, { label: false });
    if (leg.liq_px !== null) add(`${word} liq`, leg.liq_px, "liq", 1, { always: true, textClass: "liq" });
  }
  return marks;
}

// What must be seen: the price's way, averages, the nearest exits and levels; but not so far that the way is a flat line.
function extent(points, marks, last) {
  const way = [last, ...points.map(([, value]) => Number(value))];
  let low = Math.min(...way), high = Math.max(...way);
  const most = Math.max((high - low) * 6, last * 0.02);
  for (const mark of marks.filter((one) => one.frame).sort((a, b) => Math.abs(a.value - last) - Math.abs(b.value - last))) {
    const [l, h] = [Math.min(low, mark.value), Math.max(high, mark.value)];
    if (h - l <= most) [low, high] = [l, h];
  }
  const margin = Math.max((high - low) * 0.06, last * 0.0002);
  return [low - margin, high + margin];
}

function lineOf(points, quote, x, y, startMs, nowMs) {
  const seen = points.filter(([ms]) => ms >= startMs);
  const path = seen.map(([ms, value], place) => `${place ? "L" : "M"}${x(ms).toFixed(1)} ${y(Number(value)).toFixed(1)}`);
  path.push(`${path.length ? "L" : "M"}${x(nowMs).toFixed(1)} ${y(Number(quote.last_px)).toFixed(1)}`);
  return path.join("");
}

function fillMark(fill, x, y, low, high) {
  const value = Number(fill.price);
  if (!fill.price || value < low || value > high) return null;
  const [cx, cy] = [x(fill.ts_ms), y(value)];
  const closes = fill.tone !== "plain";
  const shape = closes ? `M${cx - 4} ${cy}l4-4 4 4-4 4z` : fill.leg === "long" ? `M${cx - 4} ${cy + 5}l4-8 4 8z` : `M${cx - 4} ${cy - 5}l4 8 4-8z`;
  const mark = draw("path", { class: `fill ${fill.leg}`, d: shape });
  mark.append(draw("title", {}, fill.text));
  return mark;
}

// Labels beside the frame, moved apart where lines lie close, with a tie to their line.
function labelNodes(labels, right, top, bottom, bot, quote) {
  const most = Math.floor((bottom - top) / GAP);
  const shown = labels.filter((one) => one.label !== false).sort((a, b) => a.rank - b.rank).slice(0, most);
  shown.sort((a, b) => a.at - b.at);
  let least = top;
  for (const one of shown) least = (one.to = Math.max(one.at, least)) + GAP;
  let limit = bottom;
  for (const one of shown.reverse()) limit = (one.to = Math.min(one.to, limit)) - GAP;
  return shown.flatMap((one) => {
    const figure = one.value === undefined ? "" : ` ${price(String(one.value), bot.tick_size)}`;
    const away = one.beyond ? ` ${distance(quote.last_px, one.value)}` : "";
    const text = draw("text", { class: one.textClass ?? "", x: right + 14, y: (one.to + 4).toFixed(1) }, one.beyond ? `${one.text}${away}` : `${one.text}${figure}`);
    text.append(draw("title", {}, `${one.text}${figure}`));
    if (one.rank === 0) return priceLabel(text, one, right);
    return [draw("path", { class: "tie", d: `M${right} ${one.at.toFixed(1)}L${right + 11} ${one.to.toFixed(1)}` }), text];
  });
}

function priceLabel(text, one, right) {
  const ground = draw("rect", { class: "now", x: right + 9, y: (one.to - 6.5).toFixed(1), height: 14, rx: 3, width: text.textContent.length * 6.6 + 10 });
  return [draw("path", { class: "tie", d: `M${right} ${one.at.toFixed(1)}L${right + 9} ${one.to.toFixed(1)}` }), ground, text];
}

function timeTicks(startMs, nowMs, x, height) {
  const span = nowMs - startMs;
  const step = [60, 300, 600].map((s) => s * 1000).find((ms) => span / ms <= 5) ?? 600000;
  const ticks = [];
  for (let ms = Math.ceil(startMs / step) * step; ms <= nowMs - step / 3; ms += step) {
    const text = new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
    ticks.push(draw("text", { x: x(ms).toFixed(1), y: height - 3, "text-anchor": x(ms) < 20 ? "start" : "middle" }, text));
  }
  return ticks;
}
