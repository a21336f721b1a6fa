// Stopping bots from the page, for whoever knows the control token. It is kept in this page's memory alone.

import { make, put } from "./dom.js";

const STATES = ["ACTIVE", "NO_NEW_CYCLES", "TP_ONLY", "HALTED", "FLATTEN"];
const SURE_MS = 4000;
let token = null;

export function offerControl(possible) {
  const button = document.getElementById("unlock");
  const form = document.getElementById("token");
  button.hidden = !possible || token !== null;
  if (button.onclick) return;
  button.onclick = () => {
    form.hidden = !form.hidden;
    form.querySelector("input").focus();
  };
  form.onsubmit = async (event) => {
    event.preventDefault();
    const input = form.querySelector("input");
    const answer = await ask(input.value, { check: true });
    put(form.querySelector("span"), answer.ok ? "" : answer.text, "bad");
    if (!answer.ok) return;
    token = input.value;
    input.value = "";
    form.hidden = true;
  };
}

export function stateButtons(parent, bot) {
  if (token === null || parent.children.length) return;
  const select = make("select");
  for (const state of STATES) select.append(make("option", "", state));
  select.value = bot.state ?? "ACTIVE";
  const said = make("span", "soft");
  const send = () => wish(said, { account: bot.account, symbol: bot.symbol, state: select.value });
  parent.append(select, sureButton("Set state", () => `Set ${bot.symbol} to ${select.value}?`, send), said);
}

export function haltButton(parent, account) {
  if (token === null || parent.children.length) return;
  const said = make("span", "soft");
  const send = () => wish(said, { account: account.account, halt: true });
  parent.append(sureButton("Halt account", () => `Cancel every order of ${account.account} and stop it?`, send), said);
}

// The first press asks, the second within some seconds does it.
function sureButton(text, question, act) {
  const button = make("button", "", text);
  button.type = "button";
  let timer = 0;
  const reset = () => {
    timer = 0;
    put(button, text, "");
  };
  button.onclick = () => {
    if (timer) {
      clearTimeout(timer);
      reset();
      act();
    } else {
      put(button, question(), "sure");
      timer = setTimeout(reset, SURE_MS);
    }
  };
  return button;
}

async function wish(said, body) {
  put(said, "asking…", "soft");
  const answer = await ask(token, body);
  put(said, answer.text, answer.ok ? "good" : "bad");
}

async function ask(secret, body) {
  try {
    const answer = await fetch("/api/control", {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${secret}` },
      body: JSON.stringify(body),
    });
    return { ok: answer.ok, text: (await answer.text()).trim() };
  } catch {
    return { ok: false, text: "no connection" };
  }
}
