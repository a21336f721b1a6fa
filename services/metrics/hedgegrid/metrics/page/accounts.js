// One strip per account: what it is worth, what it earned, how near trouble is.

import { haltButton } from "./control.js";
import { draw, each, make, put } from "./dom.js";
import { age, known, moment, money, percent, result, tone } from "./format.js";

const STAGE_TONES = { NORMAL: "good", WARN: "warn" };

export function accounts(parent, feed) {
  each(parent, feed.of("account"), (one) => one.account, create, (node, account) => update(node, account, feed));
}

function create() {
  const node = make("article", "account");
  node.append(make("h2"), make("div", "tiles"), make("div", "controls"));
  return node;
}

function update(node, account, feed) {
  const [head, tiles, controls] = node.children;
  haltButton(controls, account);
  const badges = [["account", account.account, "soft"]];
  if (account.dry_run) badges.push(["dry", "dry run: nothing is sent", "badge warn"]);
  each(head, badges, ([key]) => key, () => make("span"), (one, [, text, className]) => put(one, text, className));
  each(tiles, tilesOf(account, feed), (one) => one.label, tileNode, tileUpdate);
}

function tilesOf(account, feed) {
  const { wallet, net } = account;
  const now = feed.nowMs();
  const bots = feed.of("bot").filter((bot) => bot.account === account.account);
  const open = bots.flatMap((bot) => Object.values(feed.quote(bot).unrealised)).filter(known);
  const sum = open.length ? String(open.reduce((total, one) => total + Number(one), 0)) : null;
  const since = (word) => (net[`${word}_since_ms`] > dayStart(now, word) ? `since ${moment(net[`${word}_since_ms`], now)}` : word === "week" ? "7 UTC days" : "since 00:00 UTC");
  const seen = known(wallet.received_ms) ? now - wallet.received_ms : null;
  const tiles = [
    { label: "Equity", value: money(wallet.equity), note: "USDT", first: true },
    { label: "Net today", value: result(net.today), tone: tone(net.today), note: since("today") },
    { label: "Net 7 days", value: result(net.week), tone: tone(net.week), note: since("week") },
    { label: "Net, all time", value: result(net.all), tone: tone(net.all), note: "fees, funding in" },
    { label: "Open PnL", value: result(sum), tone: tone(sum), note: "at mark price" },
    { label: "Margin rate", value: percent(wallet.mm_rate), note: "100 % = liquidation", meter: wallet.mm_rate },
    { label: "Initial margin", value: percent(wallet.im_rate, 1), note: `free ${money(wallet.available)}` },
    { label: "Margin age", value: seen === null ? "–" : age(seen), note: "last word on the wallet" },
    { label: "Guard", value: account.stage ?? "NORMAL", tone: STAGE_TONES[account.stage ?? "NORMAL"] ?? "bad", note: account.stage ? account.stage_cause : "no stage was needed" },
  ];
  tiles.push({ label: "Kill switch", value: account.kill ?? "off", tone: account.kill ? "bad" : "", note: account.kill_reason });
  return tiles;
}

function dayStart(now, word) {
  const day = 24 * 3600 * 1000;
  return Math.floor(now / day) * day - (word === "week" ? 6 * day : 0);
}

function tileNode(tile) {
  const node = make("div", tile.first ? "tile first" : "tile");
  node.append(make("div", "label", tile.label), make("div", "value"), make("div", "note"));
  if (tile.meter !== undefined) {
    const meter = make("div", "meter");
    const svg = draw("svg", { viewBox: "0 0 100 4", preserveAspectRatio: "none" });
    svg.append(draw("rect", { height: 4, width: 0 }));
    meter.append(svg);
    node.append(meter);
  }
  return node;
}

function tileUpdate(node, tile) {
  const [, value, note, meter] = node.children;
  put(value, tile.value, `value ${tile.tone ?? ""}`.trim());
  put(note, tile.note ?? "");
  if (!meter) return;
  const ratio = Math.min(Number(tile.meter ?? 0), 1);
  const colour = ratio < 0.2 ? "--good" : ratio < 0.5 ? "--warn" : "--bad";
  const bar = meter.querySelector("rect");
  bar.setAttribute("width", (ratio * 100).toFixed(2));
  bar.setAttribute("fill", `var(${colour})`);
}
