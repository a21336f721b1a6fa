// Figures as people read them: grouped digits, never an exponent, a real minus sign. Input: decimal strings or null.

const NONE = "–";
const makers = new Map();

function digits(value, least, most) {
  const key = `${least}/${most}`;
  if (!makers.has(key)) {
    makers.set(key, new Intl.NumberFormat("en-US", { minimumFractionDigits: least, maximumFractionDigits: most }));
  }
  const text = makers.get(key).format(value).replace("-", "−");
  return /[1-9]/.test(text) ? text : text.replace("−", "");
}

export const known = (text) => text !== null && text !== undefined;

export function money(text) {
  return known(text) ? digits(Number(text), 2, 2) : NONE;
}

// Results: small ones keep four decimals, so that a fee of a fraction of a cent is not shown as nothing.
export function result(text) {
  if (!known(text)) return NONE;
  const value = Number(text);
  const decimals = value !== 0 && Math.abs(value) < 1 ? 4 : 2;
  return (value > 0 ? "+" : "") + digits(value, decimals, decimals);
}

export function tone(text) {
  const value = Number(text);
  return !known(text) || value === 0 ? "" : value > 0 ? "good" : "bad";
}

export function decimalsOf(tick) {
  return known(tick) && tick.includes(".") ? tick.split(".")[1].length : 0;
}

// `tick` is the price step; without one a price is shown with the digits it has, six significant decimals at most.
export function price(text, tick) {
  if (!known(text)) return NONE;
  if (known(tick)) return digits(Number(text), decimalsOf(tick), decimalsOf(tick));
  return digits(Number(text), 0, Number(text) >= 1 ? 6 : 10);
}

export function amount(text) {
  return known(text) ? digits(Number(text), 0, 8) : NONE;
}

export function percent(ratio, decimals = 2) {
  return known(ratio) ? `${digits(Number(ratio) * 100, decimals, decimals)} %` : NONE;
}

export function distance(from, to) {
  const moved = (Number(to) / Number(from) - 1) * 100;
  return `${moved > 0 ? "+" : ""}${digits(moved, 2, 2)} %`;
}

export function time(ms) {
  return new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
}

export function moment(ms, nowMs) {
  const at = new Date(ms);
  if (at.toDateString() === new Date(nowMs).toDateString()) return time(ms);
  const day = `${String(at.getMonth() + 1).padStart(2, "0")}-${String(at.getDate()).padStart(2, "0")}`;
  return `${at.getFullYear()}-${day} ${time(ms).slice(0, 5)}`;
}

export function age(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
