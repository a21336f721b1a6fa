// The live page: everything it shows comes from one feed; nothing is asked for elsewhere.

import { accounts } from "./accounts.js";
import { bots } from "./bots.js";
import { offerControl } from "./control.js";
import { each, make, put } from "./dom.js";
import { Feed } from "./feed.js";
import { moment, time } from "./format.js";

const KINDS = [["", "All"], ["alert", "Alerts"], ["fill", "Fills"], ["cycle", "Cycles"], ["order", "Orders"]];
const SHOWN = 60;
const MODE_TONES = { live: "badge live", paper: "badge", demo: "badge", testnet: "badge" };
const at = (id) => document.getElementById(id);

let kind = "";
let waiting = false;

const feed = new Feed(() => {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    show();
  });
});

function show() {
  const system = feed.parts.system;
  put(at("link"), feed.link, `link ${feed.linked === null ? "" : feed.linked ? "on" : "off"}`.trim());
  put(at("clock"), time(Date.now()));
  if (!system) return;
  put(at("mode"), system.mode.toUpperCase(), MODE_TONES[system.mode] ?? "badge");
  document.title = titleOf(system);
  offerControl(system.controllable);
  attention(system.attention);
  accounts(at("accounts"), feed);
  bots(at("bots"), feed);
  news();
  services(system);
}

function titleOf(system) {
  const bad = system.attention.filter((one) => one.weight === "bad").length;
  return `${bad ? `(${bad}) ` : ""}hedgegrid ${system.mode}`;
}

function attention(needs) {
  const lost = feed.linked === false ? [{ weight: "bad", text: `This page is not up to date: ${feed.link}` }] : [];
  const items = [...lost, ...needs];
  if (!items.length) items.push({ weight: "good", text: "Everything runs; nothing needs you." });
  each(at("attention"), items, (one) => `${one.weight}/${one.account}/${one.symbol}/${one.text}`, (one) => {
    const node = make("div", `need ${one.weight}`);
    const where = [one.account, one.symbol].filter(Boolean).join(" ");
    if (where) node.append(make("b", "", where));
    node.append(make("span", "", one.text));
    return node;
  });
}

function news() {
  each(at("kinds"), KINDS, ([key]) => key, ([key, text]) => {
    const button = make("button", "", text);
    button.type = "button";
    button.onclick = () => {
      kind = key;
      news();
    };
    return button;
  }, (button, [key]) => button.setAttribute("aria-pressed", String(key === kind)));
  const rows = feed.of("account").flatMap((account) => account.recent.map((one) => ({ ...one, account: account.account })))
    .filter((one) => kind === "" || one.kind === kind)
    .sort((a, b) => b.ts_ms - a.ts_ms).slice(0, SHOWN);
  if (!rows.length) rows.push({ ts_ms: 0, account: "", symbol: "", leg: "", tone: "plain", text: "Nothing yet." });
  const counted = new Map();
  const keyed = rows.map((one) => {
    const same = `${one.ts_ms}/${one.account}/${one.symbol}/${one.leg}/${one.text}`;
    counted.set(same, (counted.get(same) ?? 0) + 1);
    return { ...one, key: `${same}/${counted.get(same)}` };
  });
  each(at("news"), keyed, (one) => one.key, (one) => {
    const row = make("tr");
    row.append(make("td", "at"), make("td", "", [feed.of("account").length > 1 ? one.account : "", one.symbol].filter(Boolean).join(" ")),
      make("td", one.leg, one.leg), make("td", one.tone === "plain" ? "" : one.tone, one.text));
    return row;
  }, (row, one) => put(row.firstChild, one.ts_ms ? moment(one.ts_ms, feed.nowMs()) : ""));
}

function services(system) {
  const items = system.services.filter((one) => !one.replaced);
  each(at("services"), items, (one) => one.service + one.instance, (one) => make("span", "", one.service), (node, one) => {
    node.className = one.ready ? "" : "bad";
    node.title = `${one.instance}${one.ready ? "" : ": not ready"}`;
  });
}

const THEMES = ["", "dark", "light"];
at("theme").onclick = () => {
  const chosen = document.documentElement.dataset.theme ?? "";
  const darkNow = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  choose(darkNow ? "light" : "dark");
};

function choose(theme) {
  document.documentElement.dataset.theme = theme;
  try { localStorage.setItem("theme", theme); } catch { /* private mode: for this visit only */ }
}

try {
  const theme = localStorage.getItem("theme");
  if (THEMES.includes(theme) && theme) choose(theme);
} catch { /* as above */ }

addEventListener("resize", show);
