// How figures are written: one way for each kind of figure, on every view.

/** A whole number with thin spaces between thousands. @param {number | string} value */
export function whole(value) {
  const text = typeof value === 'number' ? String(Math.round(value)) : value;
  if (!/^-?[0-9]+$/.test(text)) return text;
  return text.replace(/\B(?=(?:[0-9]{3})+$)/g, '\u202f');
}

/** A figure per second. @param {number | null} value */
export function rate(value) {
  if (value === null || !Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  if (value >= 100) return whole(value);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** A time that has passed, from milliseconds, to be read by people. @param {number | null} ms */
export function ago(ms) {
  if (ms === null || !Number.isFinite(ms)) return '–';
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.floor(seconds)} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} days`;
}

/** The same, where it may be so short that tenths of a second say nothing. @param {number | null} ms */
export function span(ms) {
  return ms !== null && ms < 100 ? `${Math.round(ms)} ms` : ago(ms);
}

/** A short time, from microseconds. @param {number | null} us */
export function micros(us) {
  if (us === null || !Number.isFinite(us)) return '–';
  if (us < 1000) return `${us !== 0 && us < 10 ? us.toFixed(1) : Math.round(us)} µs`;
  if (us < 1_000_000) return `${(us / 1000).toFixed(us < 100_000 ? 1 : 0)} ms`;
  return `${(us / 1_000_000).toFixed(1)} s`;
}

/** Bytes. @param {number} bytes */
export function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

/** The beginning of a hash or an address. @param {string | null | undefined} hex @param {number} [digits] */
export function short(hex, digits = 8) {
  if (!hex) return '–';
  return hex.length > digits + 3 ? `${hex.slice(0, digits + 2)}…` : hex;
}

/** A moment of a wall clock in milliseconds. @param {number | null} ms */
export function clock(ms) {
  if (ms === null || !Number.isFinite(ms)) return '–';
  const moment = new Date(ms);
  if (Number.isNaN(moment.getTime())) return '–';
  return moment.toISOString().replace('T', ' ').replace(/\.(\d{3})Z$/, '.$1 UTC');
}

/** `1 block`, `2 blocks`. @param {number} count @param {string} noun @param {string} [many] */
export function count(count, noun, many = `${noun}s`) {
  return `${whole(count)} ${count === 1 ? noun : many}`;
}

/** `a`, `a and b`, `a, b and c`. @param {string[]} names */
export function list(names) {
  if (names.length < 2) return names.join('');
  return `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`;
}

/** What stands so far up in a list of numbers; 0.5 is the middle. @param {number[]} values @param {number} part */
export function quantile(values, part) {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
}

/** Bytes in hex as text if they are one that can be read; otherwise nothing. @param {string} hex */
export function textOfHex(hex) {
  if (!/^0x(?:[0-9a-fA-F]{2})*$/.test(hex)) return null;
  const pairs = hex.slice(2).match(/../g) ?? [];
  try {
    const bytes = Uint8Array.from(pairs, (pair) => parseInt(pair, 16));
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return /[\u0000-\u0008\u000e-\u001f]/.test(text) ? null : text;
  } catch {
    return null;
  }
}

/** A text as bytes in hex. @param {string} text */
export function hexOfText(text) {
  const bytes = new TextEncoder().encode(text);
  return `0x${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
