// What an open page costs, as figures: `npm run cost` (or `node cost.mjs SECONDS ROUNDS`), on a quiet machine.
//
// The browser is nobody's but the page's: whoever watches it by its protocol adds to what it does. What threads have run
// is what the kernel says, in nanoseconds (proc_pid_schedstat(5)).
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OPTIONS, executablePath } from './chromium.mjs';
import { devnet, get, sleep } from './devnet.mjs';

const [seconds = 20, rounds = 4] = process.argv.slice(2).map(Number);
/** Until a page has begun, and has its lines. */
const BEGUN_MS = 5000;

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

/** The processes of the browser that render pages. */
function renderers(group) {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).filter((pid) => {
    try {
      const [, , of] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').pop().split(' ');
      return Number(of) === group && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--type=renderer');
    } catch {
      return false;
    }
  });
}

/** Opens the page, and answers with how to end it. */
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
async function rates(chain, server, page) {
  const look = async () => ({
    at: performance.now(),
    nodes: run(chain.pid),
    tabs: page ? renderers(page.group).map((pid) => [pid, run(pid)]) : [],
    height: (await get(`${chain.base}/status`)).body.height,
  });
  const [before, , after] = [await look(), await sleep(seconds * 1000), await look()];
  const took = after.at - before.at;
  const share = (of, from) => (of - (from ?? 0)) / took;
  const tabs = after.tabs.map(([pid, of]) => {
    const from = before.tabs.find(([one]) => one === pid)?.[1] ?? {};
    return { thread: share(of.main, from.main), whole: share(sum(of), sum(from)) };
  });
  // A browser keeps one in reserve.
  const tab = tabs.sort((a, b) => b.whole - a.whole)[0] ?? { thread: 0, whole: 0 };
  return { server: share(after.nodes[server], before.nodes[server]), nodes: share(sum(after.nodes), sum(before.nodes)), tab, blocks: ((after.height - before.height) * 1000) / took };
}

async function withPage(chain, server) {
  const page = await opened(`${chain.base}/#/`);
  const open = await rates(chain, server, page);
  await page.end();
  await sleep(1000);
  return open;
}

/** One round: the same devnet for so long without the page and with it. A chain grows slower with its length, so each comes first in turn. */
async function round(chain, server, isPageFirst) {
  await sleep(1000);
  const first = isPageFirst ? await withPage(chain, server) : null;
  const without = await rates(chain, server, null);
  return { without, open: first ?? (await withPage(chain, server)) };
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
  console.log(`  that node and the page   ${percent(of(({ open }) => open.server + open.tab.thread))}, ${percent(of(({ open }) => open.server + open.tab.whole))} with what paints it`);
  console.log(`  blocks a second          ${of(({ without }) => without.blocks).toFixed(1)} and ${of(({ open }) => open.blocks).toFixed(1)}, ratio of all of them ${(all((one) => one.open.blocks) / all((one) => one.without.blocks)).toFixed(4)}`);
}
