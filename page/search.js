// What somebody has typed into the search box, and where it leads.
import { hexOfText } from './format.js';
import { to } from './router.js';

/**
 * A height, an id of 32 bytes (a transaction or a block: the view asks the node which), an address, or a record as
 * `ADDRESS/KEY` with the key as text or as hex.
 * @param {string} typed @returns {string | null} a link, or nothing where it can be none of them
 */
export function find(typed) {
  const text = typed.trim();
  if (text === '') return null;
  const digits = text.replace(/[\s,_\u202f]/g, '');
  if (/^[0-9]{1,15}$/.test(digits)) return to('block', digits);
  if (/^(0x)?[0-9a-fA-F]{64}$/.test(text)) return to('id', full(text));
  if (/^(0x)?[0-9a-fA-F]{40}$/.test(text)) return to('account', full(text));
  const record = /^((?:0x)?[0-9a-fA-F]{40})\/(.+)$/s.exec(text);
  if (record) return to('record', full(record[1]), keyOf(record[2]));
  return to('nothing', text.slice(0, 200));
}

/** @param {string} hex */
function full(hex) {
  return hex.startsWith('0x') ? hex.toLowerCase() : `0x${hex.toLowerCase()}`;
}

/** @param {string} key */
export function keyOf(key) {
  return /^0x(?:[0-9a-fA-F]{2})+$/.test(key) ? key.toLowerCase() : hexOfText(key);
}
