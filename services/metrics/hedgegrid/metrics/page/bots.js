// One card per bot: its picture, its state and why, and what each leg holds and has earned.

import { stateButtons } from "./control.js";
import { draw, each, make, put } from "./dom.js";
import { amount, known, price, result, tone } from "./format.js";
import { paint } from "./picture.js";

const STATE_TONES = { ACTIVE: "good", HALTED: "bad", FLATTEN: "bad" };
const COLUMNS = ["", "position", "open PnL", "levels", "take-profit", "net", "gross"];

export function bots(parent, feed) {
  const fills = feed.of("account").flatMap((account) =>
    account.recent.filter((one) => one.kind === "fill" && one.price !== null).map((one) => ({ ...one, account: account.account })));
  const needs = feed.parts.system?.attention ?? [];
  each(parent, feed.of("bot"), (bot) => `${bot.account}/${bot.symbol}`, create, (card, bot) =>
    update(card, bot, feed, fills.filter((one) => one.account === bot.account && one.symbol === bot.symbol),
      needs.filter((one) => one.account === bot.account && one.symbol === bot.symbol)));
}

function create(bot) {
  const card = make("article", "bot");
  const head = make("header");
  for (const name of ["symbol", "kind", "state", "dry", "spring", "last"]) {
    const node = make(name === "symbol" ? "h3" : "span", name);
    head.append(node);
  }
  const table = make("table", "legs");
  const top = make("tr");
  top.append(...COLUMNS.map((name) => make("th", "", name)));
  table.append(make("thead"), make("tbody"));
  table.tHead.append(top);
  const scroll = make("div", "scroll");
  scroll.append(table);
  const picture = draw("svg", { class: "picture", role: "img", "aria-label": `${bot.symbol}: price and ladder` });
  card.append(head, make("div", "why"), picture, scroll, make("div", "controls"));
  return card;
}

function update(card, bot, feed, fills, needs) {
  const quote = feed.quote(bot);
  const worst = needs.some((one) => one.weight === "bad") ? "bad" : needs.length ? "warn" : "";
  card.className = worst ? `bot is-${worst}` : "bot";
  const [head, why, picture, scroll, controls] = card.children;
  stateButtons(controls, bot);
  const [symbol, kind, state, dry, , last] = head.children;
  put(symbol, bot.symbol);
  put(kind, `${bot.account} · ${bot.strategy.replace("_", " ")} · ${bot.leverage}× · today ${result(bot.net_today)}`);
  put(state, bot.state ?? "not started", `badge ${STATE_TONES[bot.state] ?? "warn"}`);
  put(dry, bot.dry_run ? "dry run" : "", bot.dry_run ? "badge warn" : "badge");
  showPrice(last, quote.last_px, bot.tick_size);
  put(why, needs.map((one) => one.text).join(" · "), `why ${worst}`.trim());
  paint(picture, bot, quote, feed.history[bot.symbol] ?? [], fills, feed.nowMs());
  const body = scroll.firstChild.tBodies[0];
  each(body, Object.entries(bot.legs), ([word]) => word, legRow, (row, [word, leg]) => updateLeg(row, word, leg, bot, quote));
}

function showPrice(node, now, tick) {
  const before = node.dataset.px;
  if (known(now) && before !== now) {
    const moved = before === undefined ? "" : Number(now) > Number(before) ? "up" : "down";
    node.className = `last ${moved}`.trim();
    node.dataset.px = now;
  }
  put(node, price(now, tick));
}

function legRow([word]) {
  const row = make("tr");
  row.append(make("td", word, word));
  for (const name of COLUMNS.slice(1)) {
    const cell = make("td");
    cell.dataset.label = name;
    if (name === "levels") cell.append(draw("svg", { class: `pips ${word}` }));
    cell.append(make("span"), make("small"));
    row.append(cell);
  }
  return row;
}

function updateLeg(row, word, leg, bot, quote) {
  const [, position, open, levels, exit, net, gross] = row.children;
  const held = Number(leg.qty ?? 0) > 0;
  const used = held ? Math.max(leg.levels.length, 1) : 0;
  pair(position, held ? amount(leg.qty) : "flat", held ? `avg ${price(leg.entry_px, bot.tick_size)}` : "");
  pips(levels.firstChild, used, bot.max_levels);
  pair(levels, ` ${used}${known(bot.max_levels) ? `/${bot.max_levels}` : ""}`, leg.lines.length ? `next ${price(leg.lines[0].px, bot.tick_size)}` : "");
  pair(exit, leg.exits.length ? price(leg.exits[0].px, bot.tick_size) : "–", known(leg.break_even_px) && held ? `even ${price(leg.break_even_px, bot.tick_size)}` : "");
  const pnl = quote.unrealised[word];
  pair(open, held ? result(pnl) : "–", known(leg.liq_px) ? `liq ${price(leg.liq_px, bot.tick_size)}` : "", held ? tone(pnl) : "");
  const parts = leg.realised;
  pair(net, result(parts.net), `${leg.cycles} ${leg.cycles === 1 ? "cycle" : "cycles"}`, tone(parts.net));
  pair(gross, result(parts.gross), `fees ${result(parts.fees)}, funding ${result(parts.funding)}`);
}

function pair(cell, main, small, className = "") {
  put(cell.querySelector("span"), main, className);
  put(cell.querySelector("small"), small);
}

function pips(svg, used, most) {
  svg.setAttribute("width", 0);
  if (!known(most) || most > 12) {
    svg.replaceChildren();
    return;
  }
  svg.setAttribute("width", most * 8);
  svg.setAttribute("height", 9);
  svg.replaceChildren(...Array.from({ length: most }, (_, place) =>
    draw("rect", { x: place * 8, width: 6, height: 9, rx: 1.5, class: place < used ? "on" : "" })));
}
