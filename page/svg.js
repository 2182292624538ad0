// Drawings, as descriptions of SVG: figures go in, and no view writes coordinates by itself.
import { s } from './dom.js';

/** @typedef {import('./dom.js').Piece} Piece */

/** @param {number} value */
const at = (value) => value.toFixed(2);

/** Bars that are so many times as high as the middle one are cut: after a long wait the others are still seen. */
const CUT = 4;

/**
 * A line of bars, the newest on the right. Its words stand in `label`.
 * @param {number[]} values @param {number} places @param {string} label @returns {Piece}
 */
export function bars(values, places, label) {
  const [width, height] = [places * 4, 48];
  const middle = [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  const top = Math.max(1, Math.min(Math.max(...values, 1), middle > 0 ? middle * CUT : Infinity));
  const begin = places - values.length;
  const bar = (/** @type {number} */ value, /** @type {number} */ index) => {
    const tall = Math.max(1.5, (Math.min(value, top) / top) * (height - 2));
    return `M${(begin + index) * 4} ${height}V${at(height - tall)}h3V${height}z`;
  };
  // One path: a hundred elements that all change with each block cost a browser more than the rest of the page.
  const drawn = s('path', { d: values.map(bar).join('') });
  return s('svg', { class: 'bars', viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label }, drawn);
}

/**
 * How much of the power has said yes, with a mark at two thirds.
 * @param {number} power @param {number} total @param {string} label @returns {Piece}
 */
export function quorum(power, total, label) {
  const part = total > 0 ? Math.min(1, power / total) : 0;
  const isEnough = power * 3 > total * 2 && total > 0;
  return s(
    'svg',
    { class: isEnough ? 'quorum full' : 'quorum', viewBox: '0 0 60 10', preserveAspectRatio: 'none', role: 'img', 'aria-label': label },
    s('rect', { class: 'ground', x: 0, y: 2, width: 60, height: 6, rx: 2 }),
    s('rect', { class: 'level', x: 0, y: 2, width: at(part * 60), height: 6, rx: 2 }),
    s('rect', { class: 'mark', x: 39.5, y: 0, width: 1, height: 10 }),
  );
}

/**
 * The mark of a cell in the matrix of votes. The form says what it is, the colour only repeats it.
 * @param {import('./votes.js').Cell} cell @param {string} label '' where words stand beside it @returns {Piece}
 */
export function vote(cell, label) {
  const forms = {
    absent: [s('circle', { cx: 8, cy: 8, r: 2 })],
    nil: [s('circle', { cx: 8, cy: 8, r: 5 }), s('path', { d: 'M4.5 11.5 11.5 4.5' })],
    value: [s('rect', { x: 2, y: 2, width: 12, height: 12, rx: 3 }), s('path', { d: 'M5 8.2 7.2 10.5 11 5.8' })],
    both: [s('path', { d: 'M8 1.5 15 14.5H1Z' }), s('path', { d: 'M8 6v4M8 12v.6' })],
  };
  const about = label ? { role: 'img', 'aria-label': label } : { 'aria-hidden': 'true' };
  return s('svg', { class: `vote ${cell}`, viewBox: '0 0 16 16', ...about }, forms[cell]);
}

/** Four bars in step: the mark of the project. @returns {Piece} */
export function mark() {
  return s(
    'svg',
    { class: 'mark', viewBox: '0 0 24 24', 'aria-hidden': 'true' },
    [0, 1, 2, 3].map((index) => s('rect', { class: `p${index}`, x: 2 + index * 5.5, y: 4, width: 3.5, height: 16, rx: 1.5 })),
  );
}
