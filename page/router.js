// Where the page is: the part of the address behind `#`, so that every view has a link of its own, and going
// back and loading anew lead where they should.

/**
 * @typedef {object} Place
 * @property {string} view the first word; '' is the first view
 * @property {string[]} rest the words behind it
 * @property {URLSearchParams} query
 */

/** Longer ones are nobody's link. */
const LENGTH_MAX = 2048;

/** @param {string} hash as `location.hash` has it @returns {Place} */
export function read(hash) {
  const text = hash.replace(/^#\/?/, '').slice(0, LENGTH_MAX);
  const [path, query = ''] = text.split('?', 2);
  const words = path.split('/').filter((word) => word !== '').map(plain);
  return { view: words[0] ?? '', rest: words.slice(1), query: new URLSearchParams(query) };
}

/** @param {string} word */
function plain(word) {
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
}

/** A link to a place. @param {(string | number)[]} words */
export function to(...words) {
  return `#/${words.map((word) => encodeURIComponent(String(word))).join('/')}`;
}
