// The state document, kept up to date by server-sent events; asked for whole where events are refused.

const POLL_MS = 3000;
const SILENT_MS = 25000;

export class Feed {
  constructor(changed) {
    this.changed = changed;
    this.parts = {};
    this.history = {};
    this.offsetMs = 0;
    this.heardMs = 0;
    this.link = "connecting…";
    this.linked = null;
    this.failures = 0;
    this.connect();
    setInterval(() => this.check(), 1000);
  }

  nowMs() { return Date.now() + this.offsetMs; }

  of(kind) {
    return Object.keys(this.parts).filter((name) => name.startsWith(`${kind}/`)).map((name) => this.parts[name]);
  }

  quote(bot) { return this.parts[`quote/${bot.account}/${bot.symbol}`] ?? { unrealised: {} }; }

  connect() {
    this.source?.close();
    this.heardMs = Date.now();
    this.source = new EventSource("/api/live");
    this.source.onopen = () => {
      this.failures = 0;
      this.fetchHistory();
    };
    this.source.onmessage = (event) => this.take(JSON.parse(event.data));
    this.source.onerror = () => {
      this.failures += 1;
      this.say(false, "reconnecting…");
      // A refusal (503) ends an EventSource for good; anything else it retries by itself.
      if (this.source.readyState === EventSource.CLOSED) setTimeout(() => this.connect(), 5000);
      if (this.failures >= 2) this.poll();
    };
  }

  take(parts) {
    Object.assign(this.parts, parts);
    this.heardMs = Date.now();
    if (parts.now !== undefined) this.offsetMs = parts.now - Date.now();
    for (const [name, quote] of Object.entries(parts)) {
      if (name.startsWith("quote/") && quote.last_px !== null) this.remember(name.split("/")[2], quote);
    }
    this.say(true, "live");
    this.changed();
  }

  remember(symbol, quote) {
    const points = (this.history[symbol] ??= []);
    const last = points[points.length - 1];
    if (last && last[0] >= quote.received_ms) return;
    points.push([quote.received_ms, quote.last_px]);
    const first = quote.received_ms - 30 * 60 * 1000;
    while (points.length > 2 && points[0][0] < first) points.shift();
  }

  async fetchHistory() {
    try {
      const answer = await fetch("/api/history");
      for (const [symbol, points] of Object.entries(await answer.json())) {
        const newest = points.length ? points[points.length - 1][0] : 0;
        this.history[symbol] = [...points, ...(this.history[symbol] ?? []).filter(([ms]) => ms > newest)];
      }
      this.changed();
    } catch { /* the line then begins now */ }
  }

  async poll() {
    try {
      const answer = await fetch("/api/state");
      if (!answer.ok) return;
      const state = await answer.json();
      const parts = { now: state.ts_ms, system: state };
      for (const account of state.accounts) parts[`account/${account.account}`] = account;
      for (const bot of state.bots) {
        const open = Object.fromEntries(Object.entries(bot.legs).map(([word, leg]) => [word, leg.unrealised]));
        parts[`bot/${bot.account}/${bot.symbol}`] = bot;
        parts[`quote/${bot.account}/${bot.symbol}`] = { ...bot, unrealised: open };
      }
      this.take(parts);
      this.say(true, "polling");
    } catch { this.say(false, "no connection"); }
  }

  check() {
    const silent = Date.now() - this.heardMs;
    if (this.failures >= 2 && silent > POLL_MS) this.poll();
    else if (silent > SILENT_MS) this.connect();
    if (silent > 10000) this.say(false, `no news for ${Math.round(silent / 1000)} s`);
    this.changed();
  }

  say(linked, text) {
    this.linked = linked;
    this.link = text;
  }
}
