// Descriptions of elements, and the one place that makes real ones of them.
//
// A view is a function from what is known to a description (`h`, `s`). `draw` compares the description with
// the elements that are there and changes what differs: so focus, scrolling and a text that somebody has
// marked stay, and a view can be tested without a browser.
//
// Invariant: a text becomes a text node or the value of an attribute, never markup. Links go to places of this page
// or to http(s) addresses, nowhere else.

/** @typedef {(event: Event) => void} Listener */
/** @typedef {string | number | boolean | null | undefined | Listener | Record<string, string>} Value */
/**
 * @typedef {object} Piece the description of an element
 * @property {string} tag
 * @property {boolean} isSvg
 * @property {Record<string, Value>} attributes
 * @property {(Piece | string)[]} children
 */
/** @typedef {Piece | string | number | null | undefined | false | Children} Child */
/** @typedef {Child[]} Children */

const SVG = 'http://www.w3.org/2000/svg';
/** More elements in one parent than any view makes: a list without a limit is a mistake. */
export const CHILDREN_MAX = 2000;

/** @param {Child[]} children @param {(Piece | string)[]} into */
function flatten(children, into) {
  for (const child of children) {
    if (Array.isArray(child)) flatten(child, into);
    else if (typeof child === 'number') into.push(String(child));
    else if (child || child === '') into.push(child);
    if (into.length > CHILDREN_MAX) throw new RangeError('more elements than a view may make');
  }
  return into;
}

/**
 * An element of HTML.
 * @param {string} tag @param {Record<string, Value>} [attributes] @param {Child[]} children
 * @returns {Piece}
 */
export function h(tag, attributes = {}, ...children) {
  return { tag, isSvg: false, attributes, children: flatten(children, []) };
}

/**
 * An element of SVG.
 * @param {string} tag @param {Record<string, Value>} [attributes] @param {Child[]} children
 * @returns {Piece}
 */
export function s(tag, attributes = {}, ...children) {
  return { tag, isSvg: true, attributes, children: flatten(children, []) };
}

/** Descriptions that are kept of one making: more than a view shows. */
export const REMEMBERED_MAX = 600;

/**
 * The same words make the same description, once: `draw` passes over one that it has drawn.
 * @template {(string | number | boolean)[]} Words @template T
 * @param {(...words: Words) => T} make @returns {(...words: Words) => T}
 */
export function remembered(make) {
  /** @type {Map<string, T>} */
  const kept = new Map();
  return (...words) => {
    const says = words.join('\u0000');
    const known = kept.get(says);
    if (known !== undefined) return known;
    const made = make(...words);
    if (kept.size >= REMEMBERED_MAX) kept.clear();
    kept.set(says, made);
    return made;
  };
}

/** All text in a description, for tests and for titles. @param {Child} piece @returns {string} */
export function textOf(piece) {
  if (piece === null || piece === undefined || piece === false) return '';
  if (Array.isArray(piece)) return piece.map(textOf).join('');
  if (typeof piece !== 'object') return String(piece);
  return piece.children.map(textOf).join('');
}

/** @type {WeakMap<Element, Map<string, Listener>>} */
const listeners = new WeakMap();
/** The description that an element was last made to be. @type {WeakMap<Element, Piece>} */
const drawn = new WeakMap();

/** @param {string} url */
export function isSafeLink(url) {
  return /^(#|\/(?!\/)|https?:\/\/)/.test(url);
}

/** @param {Element} element @param {string} type @param {Listener | undefined} listener */
function listen(element, type, listener) {
  let own = listeners.get(element);
  if (!own) listeners.set(element, (own = new Map()));
  if (!own.has(type)) {
    element.addEventListener(type, (event) => listeners.get(element)?.get(type)?.(event));
  }
  own.set(type, listener ?? (() => {}));
}

/** @param {Element} element @param {string} name @param {Value} value */
function set(element, name, value) {
  if (name.startsWith('on')) {
    listen(element, name.slice(2), typeof value === 'function' ? value : undefined);
  } else if (name === 'style' && typeof value === 'object' && value) {
    // By the object model: a style attribute would need a policy that lets strangers in too.
    const style = /** @type {HTMLElement} */ (element).style;
    for (const [property, text] of Object.entries(value)) style.setProperty(property, text);
  } else if (value === null || value === undefined || value === false) {
    element.removeAttribute(name);
  } else if (name === 'href' && !isSafeLink(String(value))) {
    element.removeAttribute(name);
  } else {
    element.setAttribute(name, value === true ? '' : String(value));
  }
}

/** @param {Value} a @param {Value} b */
function same(a, b) {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || !a || !b) return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

/** @param {Element} element @param {Piece} piece */
function dress(element, piece) {
  const { attributes } = piece;
  const before = drawn.get(element)?.attributes ?? {};
  for (const name in before) {
    if (!(name in attributes)) set(element, name, undefined);
  }
  for (const name in attributes) {
    if (name !== 'key' && !same(before[name], attributes[name])) set(element, name, attributes[name]);
  }
  drawn.set(element, piece);
}

/** @param {Piece} piece @returns {Element} */
function make(piece) {
  const element = piece.isSvg
    ? document.createElementNS(SVG, piece.tag)
    : document.createElement(piece.tag);
  dress(element, piece);
  lay(element, piece.children);
  return element;
}

/** @param {Node | null} node @param {Piece} piece @returns {node is Element} */
function fits(node, piece) {
  if (!node || node.nodeType !== 1) return false;
  const element = /** @type {Element} */ (node);
  const key = drawn.get(element)?.attributes.key;
  return element.localName === piece.tag.toLowerCase() && key === piece.attributes.key;
}

/** @param {Node | null} node @returns {Value} */
function keyOf(node) {
  return node?.nodeType === 1 ? drawn.get(/** @type {Element} */ (node))?.attributes.key : undefined;
}

/** @param {Node | null} node @param {string} text @param {Element} parent @returns {Node} what stands there now */
function write(node, text, parent) {
  if (node?.nodeType === 3) {
    if (node.nodeValue !== text) node.nodeValue = text;
    return node;
  }
  const made = document.createTextNode(text);
  node && keyOf(node) === undefined ? parent.replaceChild(made, node) : parent.insertBefore(made, node);
  return made;
}

/** Makes the children of `parent` what `children` describes. @param {Element} parent @param {Child[]} children */
export function draw(parent, children) {
  lay(parent, flatten(children, []));
}

/**
 * Of those with a key the ones that go are taken out and the ones that come put in, so that a list which moves on by one
 * changes one.
 * @param {Element} parent @param {(Piece | string)[]} wanted
 */
function lay(parent, wanted) {
  /** @type {Set<Value>} */
  const keys = new Set();
  for (const piece of wanted) {
    if (typeof piece !== 'string' && piece.attributes.key !== undefined) keys.add(piece.attributes.key);
  }
  const isGone = (/** @type {Node | null} */ node) => keyOf(node) !== undefined && !keys.has(keyOf(node));
  /** @type {Node | null} */
  let node = parent.firstChild;
  for (const piece of wanted) {
    while (node && isGone(node)) {
      const next = /** @type {Node | null} */ (node.nextSibling);
      parent.removeChild(node);
      node = next;
    }
    if (typeof piece === 'string') {
      node = write(node, piece, parent).nextSibling;
      continue;
    }
    if (piece.attributes.key !== undefined) keys.delete(piece.attributes.key);
    if (fits(node, piece)) {
      // One and the same description says what it has said.
      if (drawn.get(node) !== piece) {
        dress(node, piece);
        lay(node, piece.children);
      }
      node = node.nextSibling;
      continue;
    }
    const element = make(piece);
    // One with a key may be wanted later: it makes room.
    if (node && keyOf(node) === undefined) parent.replaceChild(element, node);
    else parent.insertBefore(element, node);
    node = element.nextSibling;
  }
  while (node) {
    const next = /** @type {Node | null} */ (node.nextSibling);
    parent.removeChild(node);
    node = next;
  }
}
