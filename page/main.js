// Where the page begins: what it asks, what it shows, and when it draws.
//
// It draws at most ten times a second for whoever waits for an answer and where a node goes or comes or halts, and as
// often as nodes are asked for figures that rise by themselves. Where nobody looks it asks and draws nothing.
import { Controls } from './controls.js';
import { draw, h, remembered } from './dom.js';
import { mark } from './svg.js';
import { Poll } from './poll.js';
import { Reads } from './reads.js';
import { read, to } from './router.js';
import { rows } from './rows.js';
import { find } from './search.js';
import { NODES_MAX, Store } from './store.js';
import { verdict } from './verdict.js';
import { menu, viewAt } from './views/index.js';

const ANSWER_EVERY_MS = 100;
/** Nodes are asked together, and drawn together: whoever answers first waits for the others, but no longer than this. */
const TOGETHER_MS = 250;
/** Where nothing comes, only how long ago things were changes: it is drawn so much later than news would be. */
const IDLE_MS = 250;
const THEMES = ['auto', 'light', 'dark'];
/** What says that somebody uses the page. */
const USES = ['pointermove', 'pointerdown', 'keydown', 'wheel', 'touchstart', 'focus', 'hashchange'];

/** Further nodes that the address of the page names: `?nodes=http://a:8545,http://b:8545`. @param {string} search */
function listedNodes(search) {
  const listed = (new URLSearchParams(search).get('nodes') ?? '').split(',').map((url) => url.trim().replace(/\/$/, ''));
  return listed.filter((url) => /^https?:\/\/[^/?#@]+$/.test(url) && url !== location.origin).slice(0, NODES_MAX - 1);
}

const store = new Store(['', ...listedNodes(location.search)]);
const poll = new Poll(store);
const reads = new Reads(() => soon(ANSWER_EVERY_MS));
const controls = new Controls(store, () => {
  poll.hurry();
  reads.forget();
  soon(ANSWER_EVERY_MS);
});

/** @param {string} id */
function element(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

let drawnAt = -Infinity;
/** When it draws next. */
let drawAt = Infinity;
/** @type {ReturnType<typeof setTimeout> | null} */
let timer = null;

/** Draws after so long, or sooner if that is intended already. @param {number} wait */
function drawIn(wait) {
  const at = performance.now() + wait;
  if (timer && drawAt <= at) return;
  if (timer) clearTimeout(timer);
  drawAt = at;
  timer = setTimeout(() => {
    timer = null;
    drawAt = Infinity;
    drawnAt = performance.now();
    try {
      if (!document.hidden) drawAll();
    } finally {
      drawIn(poll.everyMs() + IDLE_MS);
    }
  }, wait);
}

/** @param {number} every */
function soon(every) {
  drawIn(Math.max(0, drawnAt + every - performance.now()));
}

let standing = '';

/** Something has come by itself. What people wait to see is drawn at once. @param {boolean} isWhole nobody else is waited for */
function news(isWhole) {
  const now = store.standing();
  if (isWhole || now !== standing) soon(ANSWER_EVERY_MS);
  else drawIn(TOGETHER_MS);
  standing = now;
}

let histories = 0;

function drawAll() {
  if (store.chain.histories !== histories) reads.forget();
  ({ histories } = store.chain);
  const place = read(location.hash);
  const view = viewAt(place.view);
  const base = store.lead()?.base ?? '';
  const now = performance.now();
  /** @type {import('./parts.js').Judged | null} */
  let known = null;
  const judged = () => (known ??= judge(now));
  const ctx = { store, reads, now, place, base, controls, judged };
  part('top', () => header(place.view, theme(), store.isDevnet === true));
  part('bottom', footer);
  part('main', () => [place.view === '' ? h('h1', { class: 'unseen' }, view.title) : heading(view.title, judged().said), view.draw(ctx)]);
  part('spoken', () => [speech(judged().said)]);
  const title = view.title === 'Lockstep' ? 'Lockstep' : `${view.title} · Lockstep`;
  if (document.title !== title) document.title = title;
}

/** @param {number} now @returns {import('./parts.js').Judged} */
function judge(now) {
  const all = rows(store, now);
  return { all, said: verdict(store, all, now) };
}

/** One part of the page: a mistake in it ends neither the others nor the next draw. @param {string} id @param {() => import('./dom.js').Child[]} describe */
function part(id, describe) {
  try {
    draw(element(id), describe());
  } catch (thrown) {
    draw(element(id), [h('p', { class: 'trouble' }, `This cannot be drawn: ${String(thrown).slice(0, 300)}`)]);
  }
}

/** The title of a view, and how the chain is, which the first view says at length. @param {string} title @param {import('./verdict.js').Verdict} said */
function heading(title, said) {
  const pulse = h('a', { class: `pulse ${said.tone}`, href: '#/' }, h('span', { class: 'lamp', 'aria-hidden': 'true' }), said.headline);
  return h('div', { class: 'heading' }, h('h1', { class: 'title' }, title), pulse);
}

/** A screen reader hears when the chain's state changes, and nothing of its figures. @param {import('./verdict.js').Verdict} said */
function speech(said) {
  return said.tone === 'good' ? said.headline : said.headline.replace(/(:|, for) .*$/, '.');
}

const header = remembered((/** @type {string} */ current, /** @type {string} */ worn, /** @type {boolean} */ isDevnet) => {
  const entry = (/** @type {{ view: string, title: string }} */ { view, title }) => {
    const here = current === view ? 'page' : null;
    return h('li', {}, h('a', { href: view === '' ? '#/' : to(view), 'aria-current': here }, title));
  };
  return [
    h('a', { class: 'brand', href: '#/' }, mark(), h('span', {}, 'Lockstep')),
    h('nav', { 'aria-label': 'Views' }, h('ul', {}, menu(isDevnet).map(entry))),
    h(
      'form',
      { role: 'search', class: 'search', onsubmit: search },
      h('label', { for: 'q', class: 'unseen' }, 'Search: height, block, transaction, address, record'),
      h('input', { id: 'q', name: 'q', type: 'search', placeholder: 'height, id, address', autocomplete: 'off', spellcheck: 'false', maxlength: 1200 }),
    ),
    h('button', { class: 'theme', type: 'button', onclick: nextTheme, 'aria-label': `Theme: ${worn}. Change it`, title: 'Light, dark, or as the system has it' }, h('span', { 'aria-hidden': 'true' }, '◐'), h('span', { class: 'word' }, ` ${worn}`)),
  ];
});

/** @param {Event} event */
function search(event) {
  event.preventDefault();
  const input = /** @type {HTMLInputElement} */ (element('q'));
  const link = find(input.value);
  if (link) {
    location.hash = link;
    input.value = '';
  }
}

function footer() {
  const status = store.lead()?.status;
  const asked = [...store.nodes.values()].map((node) => node.base || location.origin);
  return [
    h('p', {}, status ? `Lockstep ${status.version}, genesis ${status.genesis_hash}` : 'Lockstep'),
    h('p', {}, `Asked: ${asked.join(', ')}. All figures are of the `, h('a', { href: '/openapi.json' }, 'public API'), '.'),
  ];
}

function theme() {
  try {
    const kept = localStorage.getItem('lockstep-theme') ?? 'auto';
    return THEMES.includes(kept) ? kept : 'auto';
  } catch {
    return document.documentElement.dataset.theme ?? 'auto';
  }
}

/** @param {string} name */
function wear(name) {
  document.documentElement.dataset.theme = name;
}

function nextTheme() {
  const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length];
  wear(next);
  try {
    localStorage.setItem('lockstep-theme', next);
  } catch {
    // Nothing may be kept: it holds until the page is closed.
  }
  soon(ANSWER_EVERY_MS);
}

function watch() {
  if (document.hidden) {
    poll.stop();
  } else {
    poll.start();
    // What was known before nobody looked is not drawn while the answers are under way.
    drawIn(TOGETHER_MS);
  }
}

wear(theme());
store.listeners.add(news);
addEventListener('hashchange', () => {
  drawIn(0);
  scrollTo(0, 0);
  // Whoever uses the keyboard goes on where the new view begins.
  if (document.activeElement?.closest('#top') === null) element('main').focus({ preventScroll: true });
});
document.addEventListener('visibilitychange', watch);
for (const use of USES) addEventListener(use, () => poll.used(), { passive: true });
document.querySelector('.skip')?.addEventListener('click', (event) => {
  event.preventDefault();
  element('main').focus();
});
drawAll();
watch();
