// What an open page costs, as figures: `npm run cost` (or `node cost.mjs SECONDS ROUNDS`), on a quiet machine.
//
// The browser is nobody's but the page's: whoever watches it by its protocol adds to what it does. Without the page it
// shows an empty one, so what an open browser takes by itself is not taken for the page's. What threads have run is what
// the kernel says, in nanoseconds (proc_pid_schedstat(5)).
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { USED_MS } from '../../page/poll.js';
import { OPTIONS, executablePath } from './chromium.mjs';
import { devnet, get, sleep } from './devnet.mjs';

const [seconds = 20, rounds = 4] = process.argv.slice(2).map(Number);
/** Until a page has begun, has its lines, and lies open: nobody uses it. */
const BEGUN_MS = 5000 + USED_MS;

/** Milliseconds that the threads of a process have run, by their names. */
function run(pid) {
  const of = {};
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const folder = `/proc/${pid}/task/${thread}`;
    try {
      const name = thread === String(pid) ? 'main' : readFileSync(`${folder}/comm`, 'utf8').trim();
      of[name] = (of[name] ?? 0) + Number(readFileSync(`${folder}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
    } catch {
      // It has ended.
    }
  }
  return of;
}

const sum = (of) => Object.values(of).reduce((all, one) => all + one, 0);

/** The processes of the browser, and whether each renders pages. */
function processes(group) {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).flatMap((pid) => {
    try {
      const [, , of] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').pop().split(' ');
      if (Number(of) !== group) return [];
      return { pid, renders: readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--type=renderer'), ran: run(pid) };
    } catch {
      return [];
    }
  });
}

/** Opens a page, and answers with how to end it. */
async function opened(url) {
  const home = mkdtempSync(join(tmpdir(), 'lockstep-page-'));
  const child = spawn(executablePath, [...OPTIONS, `--user-data-dir=${home}`, '--remote-debugging-port=0', '--window-size=1280,900', url], { stdio: 'ignore', detached: true });
  const ended = new Promise((done) => child.once('exit', done));
  await sleep(BEGUN_MS);
  const end = async () => {
    process.kill(-child.pid, 'SIGKILL');
    await ended;
    await sleep(200);
    rmSync(home, { recursive: true, force: true });
  };
  return { group: child.pid, end };
}

/** Shares of a core, and blocks a second, for so long. */
async function rates(chain, server, url) {
  const { group, end } = await opened(url);
  const look = async () => ({
    at: performance.now(),
    nodes: run(chain.pid),
    browser: processes(group),
    height: (await get(`${chain.base}/status`)).body.height,
  });
  const [before, , after] = [await look(), await sleep(seconds * 1000), await look()];
  await end();
  const took = after.at - before.at;
  const share = (of, from) => (of - (from ?? 0)) / took;
  const browser = after.browser.map(({ pid, renders, ran }) => {
    const from = before.browser.find((one) => one.pid === pid)?.ran ?? {};
    return { renders, thread: share(ran.main, from.main), whole: share(sum(ran), sum(from)) };
  });
  // A browser keeps one that renders in reserve.
  const tab = browser.filter(({ renders }) => renders).sort((a, b) => b.whole - a.whole)[0] ?? { thread: 0, whole: 0 };
  return {
    server: share(after.nodes[server], before.nodes[server]),
    nodes: share(sum(after.nodes), sum(before.nodes)),
    tab,
    browser: browser.reduce((all, { whole }) => all + whole, 0),
    blocks: ((after.height - before.height) * 1000) / took,
  };
}

/** One round: the same devnet for so long without the page and with it. A chain grows slower with its length, so each comes first in turn. */
async function round(chain, server, isPageFirst) {
  const legs = [['without', 'about:blank'], ['open', `${chain.base}/#/`]];
  const seen = {};
  for (const [name, url] of isPageFirst ? legs.reverse() : legs) {
    seen[name] = await rates(chain, server, url);
    await sleep(1000);
  }
  return seen;
}

const middle = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
const percent = (share) => `${(100 * share).toFixed(2)} %`;

for (const [name, options] of [['blocks of 1 s', []], ['as fast as they come', ['--block-time', '0']]]) {
  const chain = await devnet(...options);
  // Its thread is named by the validator: as much of it as a thread's name holds.
  const server = `node-${(await get(`${chain.base}/status`)).body.validator}`.slice(0, 15);
  const seen = [];
  for (let at = 0; at < rounds; at += 1) seen.push(await round(chain, server, at % 2 === 1));
  await chain.stop();
  const of = (look) => middle(seen.map(look));
  const all = (look) => seen.reduce((sum, one) => sum + look(one), 0);
  console.log(`${name}: medians of ${rounds} rounds of ${seconds} s, without the page and with it, in shares of a core`);
  console.log(`  the node that serves it  ${percent(of(({ without }) => without.server))} and ${percent(of(({ open }) => open.server))}`);
  console.log(`  all four nodes           ${percent(of(({ without }) => without.nodes))} and ${percent(of(({ open }) => open.nodes))}`);
  console.log(`  the page                 ${percent(of(({ open }) => open.tab.thread))} its thread, ${percent(of(({ open }) => open.tab.whole))} with what paints it`);
  console.log(`  the whole browser        ${percent(of(({ without }) => without.browser))} and ${percent(of(({ open }) => open.browser))}`);
  console.log(`  that node and the page   ${percent(of(({ open }) => open.server + open.tab.thread))}, ${percent(of(({ open }) => open.server + open.tab.whole))} with what paints it`);
  console.log(`  blocks a second          ${of(({ without }) => without.blocks).toFixed(1)} and ${of(({ open }) => open.blocks).toFixed(1)}, ratio of all of them ${(all((one) => one.open.blocks) / all((one) => one.without.blocks)).toFixed(4)}`);
}
