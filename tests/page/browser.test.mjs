// The page in a browser, against a devnet of the binary. What a build has no route for is said and left out, unless
// LOCKSTEP_PAGE=required stands in the environment.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import test from 'node:test';
import { launch, views } from './chromium.mjs';
import { command, devnet, get, post, sleep, until } from './devnet.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const ALICE = '0x370b0e42646ecdb159fd8bcc655e98cbd0eb092e';
const KEY = '0x3c693e6b';
const HOSTILE = [
  '<script>window.pwned=1</script>', '<img src=x onerror="window.pwned=1">', '"><svg onload=window.pwned=1>', "javascript:window.pwned=1",
  '<iframe srcdoc="<script>parent.pwned=1</script>">', '{{constructor.constructor("window.pwned=1")()}}', '</title><script>window.pwned=1</script>',
  '<a href="javascript:window.pwned=1">x</a>', '&lt;b&gt;', '\u202egnp.exe', '<style>*{display:none}</style>', '<base href=//evil>', '<form action=//evil>', '\\u003cscript>', '${window.pwned=1}',
  '<math><mi xlink:href="javascript:window.pwned=1">', '<noscript><p title="</noscript><img src=x onerror=window.pwned=1>">', '<x onpointerenter=window.pwned=1>hover', '<!--', ']]>',
];
/** A hundred: each as it is, and dressed four ways. */
const hundred = HOSTILE.flatMap((text) => [text, `${text}'`, `x${text}y`, text.toUpperCase(), `"${text}"`]);

let browser, chain, known;
/** What went wrong in any page: nothing may. */
const wrong = [];
const has = {};

/** A page, looked at for mistakes of its own. */
async function open(t, path = '#/', options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  t.after(async () => {
    // An answer that is being changed when the page goes is nobody's fault.
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    await context.close();
  });
  page.on('pageerror', (error) => wrong.push(`${t.name}: ${error.message}`));
  page.on('dialog', (dialog) => wrong.push(`${t.name}: a dialog ${dialog.message()}`));
  page.on('console', (message) => {
    const isNetwork = /Failed to load resource|net::ERR|CORS policy|WebSocket connection to/.test(message.text());
    if (message.type() === 'error' && !isNetwork) wrong.push(`${t.name}: ${message.text()}`);
  });
  if (options.before) await options.before(page);
  await page.goto(`${options.base ?? chain.base}/${path}`);
  return page;
}

/** The rows of validators: name, state, height. */
const rowsOf = (page) => page.locator('.matrix tbody tr').evaluateAll((rows) => rows.map((row) => ({
  name: row.querySelector('.who a').textContent,
  state: row.querySelector('.badge').textContent,
  why: row.querySelector('.why')?.textContent ?? '',
  height: Number(row.querySelector('td.number').lastChild.textContent.replace(/\D/g, '')),
})));
const headline = (page) => page.locator('.headline').textContent();
const digits = (text) => text.replace(/[\u202f\s]/g, '');

/** Leaves a test out where this build has no such route. */
function needs(t, ...names) {
  const missing = names.filter((name) => !has[name]);
  if (missing.length === 0) return true;
  assert.notEqual(process.env.LOCKSTEP_PAGE, 'required', `this build has no ${missing}`);
  t.skip(`this build has no ${missing}`);
  return false;
}

/** Every node is asked by requests alone: what they answer is changed under way. */
const noLines = (page) => page.routeWebSocket(/\/ws$/, (line) => line.close());

test.before(async () => {
  chain = await devnet();
  browser = await launch();
  const rpc = ['--rpc', chain.base, '--wait'];
  await command('tx', 'transfer', '--from', 'alice', '--to', 'bob', '--amount', '7', '--memo', HOSTILE[0], ...rpc);
  await command('tx', 'put', '--from', 'alice', '--key', '<i>k', '--value', HOSTILE[1], ...rpc);
  const height = (await get(`${chain.base}/status`)).body.height;
  let transaction = null;
  for (let at = height; at > 0 && !transaction; at -= 1) {
    const block = (await get(`${chain.base}/blocks/${at}`)).body;
    const found = block.transactions.find((one) => one.body.action.kind === 'transfer');
    if (found) [transaction, known] = [found.id, at];
  }
  known = { height: known, transaction, account: ALICE, key: KEY };
  has['/devnet'] = (await get(`${chain.base}/devnet`)).status === 200;
  has['/heights/…/timeline'] = (await get(`${chain.base}/heights/1/timeline`)).body.entries !== undefined || (await get(`${chain.base}/heights/${height}/timeline`)).body.entries !== undefined;
  has['edges in /actors'] = (await get(`${chain.base}/actors`)).body[0].edges !== undefined;
}, { timeout: 120_000 });

test.after(async () => {
  await browser?.close();
  await chain?.stop();
});

test('four rows rise, and the first look says that the chain is alive', async (t) => {
  const page = await open(t);
  await until('four rows', async () => (await rowsOf(page)).length === 4);
  const before = await until('heights', async () => { const rows = await rowsOf(page); return rows.every(({ height }) => height > 0) && rows; });
  await until('all of them rise', async () => (await rowsOf(page)).every(({ height }, at) => height > before[at].height));
  assert.match(await headline(page), /^The chain (is alive|goes on)/);
});

test('the page is small, paints soon, and asks nobody else', async (t) => {
  const asked = new Set();
  const before = (page) => {
    for (const kind of ['request', 'websocket']) page.on(kind, (one) => asked.add(new URL(one.url()).host));
  };
  const page = await open(t, '#/', { before });
  await until('rows', async () => (await rowsOf(page)).length === 4);
  const { paint, bytes } = await page.evaluate(() => ({
    paint: performance.getEntriesByType('paint').find(({ name }) => name === 'first-contentful-paint')?.startTime,
    bytes: [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].filter(({ name }) => name.includes('/page/') || name.endsWith('/')).reduce((sum, one) => sum + one.transferSize, 0),
  }));
  t.diagnostic(`first paint ${Math.round(paint)} ms, ${bytes} bytes`);
  // Files of a folder come as they are: how many bytes are sent only the binary says.
  if (!process.env.LOCKSTEP_PAGE_FROM) assert.ok(bytes > 0 && bytes < 150_000, `${bytes} bytes`);
  const allowed = new Set(chain.urls.map((url) => new URL(url).host));
  assert.deepEqual([...asked].filter((host) => !allowed.has(host)), []);
});

test('every figure of a chain that stands is the one in the JSON', async (t) => {
  const still = await devnet('--manual');
  t.after(() => still.stop());
  for (let at = 0; at < 3; at += 1) assert.equal((await post(`${still.base}/devnet/tick`, {})).status, 200);
  const page = await open(t, '#/', { base: still.base });
  await until('the newest height', async () => (await rowsOf(page)).length === 4 && (await rowsOf(page)).every(({ height }) => height === 3));
  const status = (await get(`${still.base}/status`)).body;
  const set = (await get(`${still.base}/validators?recent=100`)).body;
  const figure = async (name) => digits(await page.locator('.figure', { hasText: name }).first().locator('.value').textContent());
  assert.equal(await figure('Height'), String(status.height));
  assert.equal(await figure('Chain'), String(status.chain_id));
  const cells = await page.locator('.matrix tbody tr').evaluateAll((rows) => rows.map((row) => [...row.querySelectorAll('td.number')].map((cell) => cell.lastChild.textContent)));
  const byPlace = (await page.locator('.matrix tbody tr .who a').evaluateAll((links) => links.map((link) => link.getAttribute('href').split('/').pop())));
  byPlace.forEach((address, at) => {
    const one = set.validators.find((validator) => validator.address === address);
    assert.deepEqual(cells[at].slice(1), [String(one.power), one.turns === undefined ? '–' : `${one.failed_turns} of ${one.turns}`]);
  });
  const facts = async (path) => {
    await page.goto(`${still.base}/#${path}`);
    await page.locator('main .facts').first().waitFor();
    return Object.fromEntries(await page.locator('main .facts > div').evaluateAll((all) => all.map((one) => [one.children[0].textContent, one.children[1].textContent])));
  };
  const account = (await get(`${still.base}/accounts/${ALICE}`)).body;
  assert.equal(digits((await facts(`/account/${ALICE}`)).Balance), account.balance);
  const past = (await get(`${still.base}/accounts/${ALICE}/transactions?limit=25`)).body;
  await until('its history', async () => {
    const rows = await page.locator('main table tbody tr').evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.querySelector('[title]')?.title ?? cell.textContent)));
    const told = past.transactions.map((one) => [String(one.height), one.transaction.id, one.role === 'receiver' ? '' : one.receipt.fee]);
    return JSON.stringify(rows.map((row) => [digits(row[0]), row[2], digits(row[7])])) === JSON.stringify(told);
  });
  const block = (await get(`${still.base}/blocks/2`)).body;
  const shown = await facts('/block/2');
  for (const [name, value] of [['Id', block.id], ['State root', block.header.state_root], ['Transactions root', block.header.transactions_root], ['Decided in round', String(block.commit.round)]]) assert.equal(shown[name], value, name);
  const mempool = (await get(`${still.base}/mempool`)).body;
  assert.equal((await facts('/mempool')).Transactions, String(mempool.transactions));
  await page.goto(`${still.base}/#/peers`);
  // What a node knows of its peers comes a moment later than their blocks, and the page asks again by itself.
  await until('the peers as the node knows them', async () => {
    const peers = await page.locator('main section').first().locator('tbody tr').evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent)));
    const fresh = (await get(`${still.base}/status`)).body.peers;
    const inOrder = (rows) => JSON.stringify(rows.map((row) => row.join(' ')).sort());
    return peers.length === 3 && inOrder(peers.map((row) => [row[3], row[7]])) === inOrder(fresh.map((peer) => [peer.height, peer.url]));
  });
  await page.goto(`${still.base}/#/actors`);
  await page.locator('main table:visible').first().waitFor();
  const names = (await get(`${still.base}/actors`)).body;
  const table = await page.locator('main section').last().locator('tbody tr td:first-child').allTextContents();
  assert.deepEqual(table, names.map((row) => row.actor));
});

test('a transfer is found by the search box, and its proof is shown', async (t) => {
  const page = await open(t);
  await page.locator('#q').fill(known.transaction);
  await page.keyboard.press('Enter');
  await page.locator('main', { hasText: 'committed' }).waitFor();
  const text = await page.locator('main').textContent();
  assert.ok(text.includes(HOSTILE[0]), 'the memo is text');
  const proven = (await post(`${chain.base}/`, { jsonrpc: '2.0', id: 1, method: 'lockstep_getTransaction', params: [known.transaction, true] })).body.result;
  assert.ok(text.includes(proven.proof) && text.includes(proven.transactions_root));
  for (const [typed, view] of [[String(known.height), '#/block/'], [ALICE, '#/account/'], [`${ALICE}/<i>k`, '#/record/'], ['what', '#/nothing/']]) {
    await page.locator('#q').fill(typed);
    await page.keyboard.press('Enter');
    await until(typed, () => page.url().includes(view));
  }
});

test('a transfer is sent from the page', async (t) => {
  if (!needs(t, '/devnet')) return;
  const page = await open(t, '#/devnet');
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  const link = page.locator('.outcomes a').first();
  await link.waitFor({ timeout: 60_000 });
  await link.click();
  await page.locator('main', { hasText: 'committed' }).waitFor({ timeout: 60_000 });
  assert.match(await page.locator('main').textContent(), /Its proof/);
});

test('a validator killed by the button goes dark within two seconds, says why, and comes back', async (t) => {
  if (!needs(t, '/devnet')) return;
  const page = await open(t, '#/devnet');
  await page.locator('.fleet li').nth(2).getByRole('button', { name: 'Kill' }).click();
  const clicked = Date.now();
  await page.goto(`${chain.base}/#/`);
  const dark = await until('it is dark', async () => (await rowsOf(page)).find(({ name, state }) => name === 'node 2' && state === 'down'));
  t.diagnostic(`dark after ${Date.now() - clicked} ms: ${dark.why}`);
  assert.match(dark.why, /killed/);
  assert.match(await until('the sentence', async () => /without node 2/.test(await headline(page)) && headline(page)), /goes on without node 2/);
  const height = (await rowsOf(page))[0].height;
  await until('the chain goes on', async () => (await rowsOf(page))[0].height > height + 1);
  await page.goto(`${chain.base}/#/devnet`);
  await page.locator('.fleet li').nth(2).getByRole('button', { name: 'Restart' }).click();
  await page.goto(`${chain.base}/#/`);
  await until('it is back', async () => (await rowsOf(page)).find(({ name, state }) => name === 'node 2' && state === 'votes'), 60_000);
});

test('the page of a node that is killed goes on with the others, and restarts it', async (t) => {
  if (!needs(t, '/devnet')) return;
  const page = await open(t, '#/devnet');
  await page.locator('.fleet li').nth(0).getByRole('button', { name: 'Kill' }).click();
  const restart = page.locator('.fleet li').nth(0).getByRole('button', { name: 'Restart' });
  await until('it is down', () => restart.isEnabled());
  await restart.click();
  await page.evaluate(() => (location.hash = '#/'));
  await until('all vote', async () => { const rows = await rowsOf(page); return rows.length === 4 && rows.every(({ state }) => state === 'votes'); }, 60_000);
});

test('a partition of two and two halts the chain and says so, and heals', async (t) => {
  if (!needs(t, '/devnet')) return;
  const page = await open(t, '#/devnet');
  await page.getByRole('button', { name: 'Partition', exact: true }).click();
  await page.evaluate(() => (location.hash = '#/'));
  await until('it stands', async () => /stands still/.test(await headline(page)), 60_000);
  assert.match(await page.locator('.banner').textContent(), /cut: nodes 0, 1 \| 2, 3/);
  await page.evaluate(() => (location.hash = '#/devnet'));
  await page.getByRole('button', { name: 'Heal' }).click();
  await page.evaluate(() => (location.hash = '#/'));
  await until('it is alive', async () => /alive|goes on/.test(await headline(page)), 60_000);
});

test('a snapshot is taken and gone back to by buttons: what was sent between is undone', async (t) => {
  if (!needs(t, '/devnet')) return;
  const balance = async () => (await get(`${chain.base}/accounts/${ALICE}`)).body.balance;
  // All nodes stop in a turn, and begin again.
  const over = async (turn) => until(`turn ${turn}`, async () => { const turns = await get(`${chain.base}/devnet`).then(({ body }) => body.turns, () => null); return turns?.over >= turn && turns; }, 60_000);
  const before = await balance();
  const page = await open(t, '#/devnet');
  const panel = page.locator('section', { has: page.getByRole('heading', { name: 'Snapshots and time' }) });
  await panel.getByRole('button', { name: 'Snapshot', exact: true }).click();
  const taken = await over(1);
  assert.deepEqual(taken.snapshots.map(({ snapshot }) => snapshot), [1]);
  await post(`${chain.base}/devnet/transfer`, { from: 'alice', to: 'bob', amount: '77' });
  await until('it is sent', async () => (await balance()) !== before, 60_000);
  await panel.getByRole('button', { name: 'Revert' }).click();
  await over(2);
  await until('it is undone', async () => (await balance()) === before, 60_000);
  await page.evaluate(() => (location.hash = '#/'));
  await until('it goes on', async () => /alive|goes on/.test(await headline(page)), 60_000);
  const low = (await get(`${chain.base}/status`)).body.height;
  await until('the page has the heights of now', async () => { const rows = await rowsOf(page); return rows.length === 4 && rows.every(({ height, state }) => state === 'votes' && height >= low); }, 60_000);
});

/** Every step of a height that each node goes through. */
const EVERY_STEP = ['executed', 'polka', 'precommit_signed', 'precommit_durable', 'precommit_sent', 'decided', 'stored'];

/** The newest height of one round of whose every step all nodes tell: who learns of the decision first needs no precommit of its own. */
async function wholeHeight() {
  const { height: newest } = (await get(`${chain.base}/status`)).body;
  for (let height = newest; height > Math.max(0, newest - 20); height -= 1) {
    const told = await Promise.all(chain.urls.map(async (url) => get(`${url}/heights/${height}/timeline`)));
    const isWhole = told.every(({ status, body }) => status === 200 && body.entries.every(({ round }) => round === 0) && EVERY_STEP.every((step) => body.entries.some(({ what }) => what === step)));
    if (isWhole) return height;
  }
  return null;
}

test('the timeline of a height has every step of four nodes', async (t) => {
  if (!needs(t, '/heights/…/timeline', '/devnet')) return;
  const height = await until('a height with every step of four nodes', wholeHeight, 60_000);
  const page = await open(t, `#/timeline/${height}`);
  await until('four nodes', async () => (await page.locator('.waterfall .name').count()) === 4);
  const steps = await page.locator('.waterfall .step').allTextContents();
  const count = (name) => steps.filter((one) => one === name).length;
  for (const step of EVERY_STEP) assert.equal(count(step.replace('_', ' ')), 4, step);
  // A proposal is its sender's prevote: signed, durable and sent once.
  for (const step of ['signed', 'durable', 'sent']) assert.equal(count(`proposal ${step}`) + count(`prevote ${step}`), 4, step);
});

test('the graph of actors shows messages, and one click opens an actor', async (t) => {
  const page = await open(t, '#/actors');
  await page.locator('main table:visible').first().waitFor();
  if (has['edges in /actors']) {
    await until('arrows with messages', async () => (await page.locator('.arrow.busy text').count()) > 3);
    await page.locator('.graph a.box').first().click();
  } else {
    assert.match(await page.locator('main').textContent(), /does not say who tells whom/);
    await page.locator('main tbody a').first().click();
  }
  await page.locator('main', { hasText: 'Its messages' }).waitFor();
});

test('a hundred hostile strings stay text: memos, records, names of peers, panics, reasons', async (t) => {
  assert.equal(hundred.length, 100);
  const page = await open(t, `#/block/${known.height}`, {
    before: async (page) => {
      await noLines(page);
      await page.route('**/*', async (route) => {
        const request = route.request();
        const { pathname } = new URL(request.url());
        const isBlock = request.method() === 'POST' && /getBlock/.test(request.postData() ?? '');
        if (!isBlock && !['/status', '/actors', '/evidence'].includes(pathname)) return route.continue();
        const response = await route.fetch();
        const body = await response.json();
        if (isBlock) {
          const [one] = body.result.transactions;
          body.result.transactions = hundred.map((memo, at) => ({ ...one, body: { ...one.body, nonce: at, action: { ...one.body.action, memo } } }));
        } else if (pathname === '/status') {
          body.peers = body.peers.map((peer, at) => ({ ...peer, url: hundred[at], refused: hundred[at + 5], reachable: at !== 0 }));
          body.observing = hundred[7];
        } else if (pathname === '/actors') {
          body.forEach((row, at) => Object.assign(row, { last_panic: hundred[at], state: hundred[at + 20] }));
        } else {
          body.pending = hundred.map((text) => ({ kind: text, validator: text, height: 1, round: 0, proof: text, hash: text, block_ids: [] }));
        }
        return route.fulfill({ response, json: body });
      });
    },
  });
  const clean = async (where) => {
    const found = await page.evaluate(() => ({ pwned: 'pwned' in window, alien: document.querySelectorAll('main script, main img, main iframe, main style, main base, main math, main x, [onerror], [onload]').length, links: [...document.querySelectorAll('a')].filter((a) => !/^(#|\/|https?:)/.test(a.getAttribute('href') ?? '#')).length }));
    assert.deepEqual(found, { pwned: false, alien: 0, links: 0 }, where);
  };
  await until('a hundred rows', async () => (await page.locator('main tbody tr').count()) === 100);
  const memos = await page.locator('main tbody tr .action').allTextContents();
  memos.forEach((text, at) => assert.ok(text.endsWith(` “${hundred[at]}”`), text));
  await clean('block');
  for (const path of ['/', '/peers', '/actors', '/actors/StateStore', '/evidence', `/record/${ALICE}/${KEY}`, `/transaction/${known.transaction}`, '/nothing/%3Cimg%20src%3Dx%20onerror%3Dwindow.pwned%3D1%3E', '/%3Cscript%3E']) {
    await page.evaluate((hash) => (location.hash = hash), `#${path}`);
    await sleep(1300);
    await clean(path);
  }
});

test('reload, back, and deep links lead where they should', async (t) => {
  const page = await open(t, `#/block/${known.height}`);
  const title = async (words) => until(words, async () => (await page.title()).startsWith(words));
  await title('Block ·');
  await page.getByRole('link', { name: 'Validators' }).first().click();
  await title('Validators');
  await page.goBack();
  await title('Block ·');
  await page.reload();
  await title('Block ·');
  await page.goForward();
  await title('Validators');
});

test('a node that talks nonsense, or is silent, is named, and the page goes on', async (t) => {
  let mode = 'well';
  const page = await open(t, '#/', {
    before: async (page) => {
      await page.route('**/status', async (route) => {
        if (mode === 'nonsense') return route.fulfill({ json: { height: 'x' } });
        if (mode === 'html') return route.fulfill({ body: '<html>', contentType: 'text/html' });
        if (mode === 'gone') return route.abort();
        return route.continue();
      });
      await page.routeWebSocket(/\/ws$/, (line) => {
        const node = line.connectToServer();
        line.onMessage((asked) => {
          if (mode === 'nonsense') line.send('[]');
          else if (mode === 'html') line.send('<html>');
          else if (mode === 'gone') line.close();
          else node.send(asked);
        });
      });
    },
  });
  await until('rows', async () => (await rowsOf(page)).length === 4);
  for (const next of ['nonsense', 'html', 'gone']) {
    mode = next;
    await until(next, async () => /No node answers|without/.test(await headline(page)));
    mode = 'well';
    await until('well again', async () => /alive|goes on/.test(await headline(page)));
  }
});

test('each node is asked by its line, and by requests where lines are of no use', async (t) => {
  let mode = 'well';
  const count = { asked: 0, requests: 0 };
  const page = await open(t, '#/', {
    before: async (page) => {
      page.on('request', (request) => void (count.requests += request.url().endsWith('/status')));
      await page.routeWebSocket(/\/ws$/, (line) => {
        const node = line.connectToServer();
        line.onMessage((asked) => {
          count.asked += 1;
          if (mode === 'nonsense') line.send('{}');
          else node.send(asked);
        });
      });
    },
  });
  const heights = async () => (await rowsOf(page)).map(({ height }) => height);
  const rise = async (what) => { const before = await heights(); await until(what, async () => (await heights()).every((height, at) => height > before[at])); };
  await until('rows', async () => (await heights()).length === 4);
  await until('lines', async () => count.asked >= 4);
  const before = { ...count };
  await sleep(4000);
  assert.ok(count.asked - before.asked >= 12, `${count.asked - before.asked} by lines`);
  assert.equal(count.requests, before.requests, 'none by a request');
  await rise('by lines');
  mode = 'nonsense';
  await until('requests', async () => count.requests >= before.requests + 8);
  await rise('by requests');
  assert.match(await headline(page), /^The chain (is alive|goes on)/);
});

test('a listed stranger neither leads, nor takes a node’s place, nor stops the page', async (t) => {
  if (!needs(t, '/devnet')) return;
  const own = (await get(`${chain.base}/status`)).body;
  const stranger = 'http://127.0.0.1:65001';
  let said = { height: own.height + 1e6, validator: `0x${'ee'.repeat(20)}` };
  const headers = { 'access-control-allow-origin': '*' };
  const rounds = (height) => ({ height, validator: null, began_ms: 0, left_out: 0, entries: Array.from({ length: 20_000 }, (_, round) => ({ what: 'prevote_received', round, who: own.validator, at_us: round })) });
  const page = await open(t, `?nodes=${stranger}#/`, {
    before: (page) => page.route(`${stranger}/**`, (route) => {
      const { pathname } = new URL(route.request().url());
      if (pathname === '/status') return route.fulfill({ headers, json: { ...own, ...said } });
      if (pathname.endsWith('/timeline')) return route.fulfill({ headers, json: rounds(Number(pathname.split('/')[2])) });
      return route.fulfill({ status: 404, headers, json: { code: 'no_such_route', message: 'there is none' } });
    }),
  });
  const last = async () => (await rowsOf(page)).find(({ name }) => name === stranger || name.startsWith('0xeeeeeeee'));
  const height = async () => Number(digits(await page.locator('.figure', { hasText: 'Height' }).first().locator('.value').textContent()));
  const rises = async (what) => { const before = await height(); await until(what, async () => (await height()) > before); };
  await until('the stranger has a row', async () => (await rowsOf(page)).length === 5 && (await last())?.height === own.height + 1e6);
  await rises('own heights');
  assert.ok((await height()) < own.height + 1e5, 'the height is that of the page’s own node');
  assert.match(await headline(page), /^The chain (is alive|goes on)/);
  said = { validator: own.peers[0].address };
  await until('his claim', async () => /^says that it is node [0-9] too$/.test((await last())?.why ?? ''));
  assert.equal((await rowsOf(page)).filter(({ name }) => /^node [0-9]$/.test(name)).length, 4);
  said = { waiting_for: { prevotes: [1, {}], precommits: [] } };
  await until('his nonsense', async () => (await last())?.state === 'makes no sense');
  await rises('heights, still');
});

test('a list that moves on keeps the elements of what stays, and figures that rise are drawn no more than twice a second', async (t) => {
  const page = await open(t);
  // From then on each block that comes is one that goes.
  await until('a full strip', async () => (await page.locator('.strip li').count()) === 60, 90_000);
  const marked = await page.evaluate(() => {
    window.draws = 0;
    window.places = 0;
    let at = 0;
    new MutationObserver((all) => {
      const now = performance.now();
      if (now - at > 20) window.draws += 1;
      at = now;
      window.places += all.length;
    }).observe(document.querySelector('main'), { childList: true, subtree: true, characterData: true, attributes: true });
    const last = document.querySelector('.strip li:last-child');
    last.mark = 'it';
    return { href: last.firstChild.getAttribute('href'), at: performance.now() };
  });
  await until('three blocks more', () => page.evaluate((href) => [...document.querySelectorAll('.strip a')].findIndex((a) => a.getAttribute('href') === href) <= document.querySelectorAll('.strip a').length - 4, marked.href));
  const after = await page.evaluate(({ href, at }) => ({ mark: [...document.querySelectorAll('.strip a')].find((a) => a.getAttribute('href') === href).parentElement.mark, perSecond: (window.draws * 1000) / (performance.now() - at), places: window.places / window.draws }), marked);
  t.diagnostic(`${after.perSecond.toFixed(1)} draws a second, ${after.places.toFixed(0)} places each`);
  assert.equal(after.mark, 'it');
  assert.ok(after.perSecond <= 2.5, `${after.perSecond} draws a second`);
  assert.ok(after.places < 120, `${after.places} places for each draw`);
});

test('it is used by the keyboard alone', async (t) => {
  const page = await open(t);
  await until('rows', async () => (await rowsOf(page)).length === 4);
  const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim() || document.activeElement?.id);
  await page.keyboard.press('Tab');
  assert.equal(await focused(), 'To the content');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'main');
  await page.locator('.brand').focus();
  for (let at = 0; at < 3; at += 1) await page.keyboard.press('Tab');
  assert.equal(await focused(), 'Actors');
  await page.keyboard.press('Enter');
  await until('the view', async () => (await page.title()).startsWith('Actors'));
  await page.locator('.theme').focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
  await sleep(1500);
  assert.match(await focused(), /dark/, 'drawing anew leaves the focus where it is');
});

test('axe finds nothing, and nothing is wider than the window, in any view, theme and width', async (t) => {
  let looked = 0;
  const faults = [];
  for (const width of [360, 1280, 2560]) {
    for (const colorScheme of ['light', 'dark']) {
      const page = await open(t, '#/', { viewport: { width, height: 900 }, colorScheme, reducedMotion: 'reduce' });
      await until(`rows at ${width}`, async () => (await rowsOf(page)).length === 4);
      await page.evaluate(axe);
      for (const [name, path] of Object.entries(views(known))) {
        await page.evaluate((hash) => (location.hash = hash), `#${path}`);
        await sleep(400);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (wide > 0) faults.push(`${name} at ${width}: ${wide} px too wide`);
        // At the widest window the same elements stand further apart.
        if (width === 2560) continue;
        const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
        const said = found.violations.map((one) => `${name}, ${width} px, ${colorScheme}: ${one.id}: ${one.nodes.slice(0, 3).map((node) => `${node.html} ${node.any[0]?.message ?? ''}`).join(' | ')}`);
        faults.push(...said);
        looked += 1;
      }
    }
  }
  t.diagnostic(`${looked} views looked at`);
  assert.deepEqual(faults, []);
});

test('at full speed the memory of the page does not grow', async (t) => {
  const seconds = Number(process.env.LOCKSTEP_PAGE_SECONDS ?? 60);
  const fast = await devnet('--block-time', '0');
  t.after(() => fast.stop());
  const page = await open(t, '#/', { base: fast.base });
  const session = await page.context().newCDPSession(page);
  const used = async () => {
    await session.send('HeapProfiler.collectGarbage');
    return (await session.send('Runtime.getHeapUsage')).usedSize;
  };
  await sleep(5000);
  const before = await used();
  const draws = await page.evaluate(() => {
    window.drawn = 0;
    let at = 0;
    new MutationObserver(() => {
      const now = performance.now();
      if (now - at > 20) window.drawn += 1;
      at = now;
    }).observe(document.body, { childList: true, subtree: true, characterData: true, attributes: true });
    return performance.now();
  });
  await sleep(seconds * 1000);
  const perSecond = await page.evaluate((since) => (window.drawn * 1000) / (performance.now() - since), draws);
  const grown = (await used()) - before;
  t.diagnostic(`grown by ${(grown / 1e6).toFixed(2)} MB in ${seconds} s, ${perSecond.toFixed(1)} draws a second`);
  assert.ok(grown < 20e6, `${grown} bytes`);
  assert.ok(perSecond <= 11, `${perSecond} draws a second`);
});

test('no page had a mistake of its own', () => assert.deepEqual(wrong, []));
