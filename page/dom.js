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

/** All text in a description, for tests and for titles. @param {Child} piece @returns {string} */
export function textOf(piece) {
  if (piece === null || piece === undefined || piece === false) return '';
  if (Array.isArray(piece)) return piece.map(textOf).join('');
  if (typeof piece !== 'object') return String(piece);
  return piece.children.map(textOf).join('');
}

/** @type {WeakMap<Element, Map<string, Listener>>} */
const listeners = new WeakMap();
/** @type {WeakMap<Element, Record<string, Value>>} */
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
  const before = drawn.get(element) ?? {};
  for (const name of Object.keys(before)) {
    if (!(name in piece.attributes)) set(element, name, undefined);
  }
  for (const [name, value] of Object.entries(piece.attributes)) {
    if (name !== 'key' && !same(before[name], value)) set(element, name, value);
  }
  drawn.set(element, piece.attributes);
}

/** @param {Piece} piece @returns {Element} */
function make(piece) {
  const element = piece.isSvg
    ? document.createElementNS(SVG, piece.tag)
    : document.createElement(piece.tag);
  dress(element, piece);
  draw(element, piece.children);
  return element;
}

/** @param {Node | undefined} node @param {Piece} piece @returns {node is Element} */
function fits(node, piece) {
  if (!node || node.nodeType !== 1) return false;
  const element = /** @type {Element} */ (node);
  const key = drawn.get(element)?.key;
  return element.localName === piece.tag.toLowerCase() && key === piece.attributes.key;
}

/**
 * Makes the children of `parent` what `children` describes.
 * @param {Element} parent @param {Child[]} children
 */
export function draw(parent, children) {
  const wanted = flatten(children, []);
  wanted.forEach((piece, at) => {
    const there = parent.childNodes[at];
    if (typeof piece === 'string') {
      if (there?.nodeType === 3) {
        if (there.nodeValue !== piece) there.nodeValue = piece;
      } else {
        const text = document.createTextNode(piece);
        there ? parent.replaceChild(text, there) : parent.appendChild(text);
      }
    } else if (fits(there, piece)) {
      dress(there, piece);
      draw(there, piece.children);
    } else {
      const element = make(piece);
      there ? parent.replaceChild(element, there) : parent.appendChild(element);
    }
  });
  while (parent.childNodes.length > wanted.length) parent.lastChild?.remove();
}
