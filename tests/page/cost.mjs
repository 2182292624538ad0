// What an open page costs, as figures: `npm run cost` (or `node cost.mjs SECONDS ROUNDS`), on a quiet machine.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { launch } from './chromium.mjs';
import { devnet, get, sleep } from './devnet.mjs';

const [seconds = 20, rounds = 4] = process.argv.slice(2).map(Number);
const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Seconds of a processor that a process has used. */
function used(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').pop()?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** What the main thread of the page has been busy with. */
async function busy(session) {
  const { metrics } = await session.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0;
}

/** One round: the same devnet for so long without the page, and then with it. */
async function round(chain, browser) {
  const look = async () => ({ at: performance.now() / 1000, cpu: used(chain.pid), height: (await get(`${chain.base}/status`)).body.height });
  const rates = async (page) => {
    const [before, pageBefore] = [await look(), page ? await busy(page) : 0];
    await sleep(seconds * 1000);
    const [after, pageAfter] = [await look(), page ? await busy(page) : 0];
    const took = after.at - before.at;
    return { cpu: (after.cpu - before.cpu) / took, blocks: (after.height - before.height) / took, page: (pageAfter - pageBefore) / took };
  };
  await sleep(1000);
  const without = await rates(null);
  const page = await browser.newPage();
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  await page.goto(`${chain.base}/#/`);
  await sleep(3000);
  const open = await rates(session);
  await page.close();
  return { without, open };
}

const middle = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
const percent = (share) => `${(100 * share).toFixed(2)} %`;

for (const [name, options] of [['blocks of 1 s', []], ['as fast as they come', ['--block-time', '0']]]) {
  const chain = await devnet(...options);
  const browser = await launch();
  const seen = [];
  for (let at = 0; at < rounds; at += 1) seen.push(await round(chain, browser));
  await browser.close();
  await chain.stop();
  const of = (look) => middle(seen.map(look));
  const [before, after] = [of(({ without }) => without.cpu), of(({ open }) => open.cpu)];
  console.log(`${name}: medians of ${rounds} rounds of ${seconds} s, without the page and with it`);
  console.log(`  four nodes' CPU    ${percent(before)} and ${percent(after)} of a core`);
  console.log(`  one node and page  ${percent(before / 4 + after - before + of(({ open }) => open.page))} of a core, of which the page's own thread ${percent(of(({ open }) => open.page))}`);
  console.log(`  blocks a second    ${of(({ without }) => without.blocks).toFixed(1)} and ${of(({ open }) => open.blocks).toFixed(1)}, median of the ratios ${of(({ without, open }) => open.blocks / without.blocks).toFixed(4)}`);
}
