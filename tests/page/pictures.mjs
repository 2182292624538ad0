// Pictures of each view in both themes, for docs/images: `npm run pictures` (or `node pictures.mjs DIRECTORY WIDTH…`).
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { launch, views } from './chromium.mjs';
import { withPalette } from './palette.mjs';
import { command, devnet, get, post, sleep } from './devnet.mjs';

const [directory = fileURLToPath(new URL('../../docs/images', import.meta.url)), ...asked] = process.argv.slice(2);
const widths = asked.length ? asked.map(Number) : [1280];
const ALICE = '0x370b0e42646ecdb159fd8bcc655e98cbd0eb092e';
/** All pictures of the documents together. */
const BYTES_MAX = 1_500_000;

mkdirSync(directory, { recursive: true });
const chain = await devnet();
const rpc = ['--rpc', chain.base, '--wait'];
await command('tx', 'transfer', '--from', 'alice', '--to', 'bob', '--amount', '250', '--memo', 'for the tea', ...rpc);
await command('tx', 'put', '--from', 'alice', '--key', 'greeting', '--value', 'hello', ...rpc);
await sleep(20_000);
const { height } = (await get(`${chain.base}/status`)).body;
let transaction = '';
for (let at = height; at > 0 && !transaction; at -= 1) {
  transaction = (await get(`${chain.base}/blocks/${at}`)).body.transactions.find((one) => one.body.action.kind === 'transfer')?.id ?? '';
}
const receipt = (await get(`${chain.base}/receipts/${transaction}`)).body;
const browser = await launch();
let bytes = 0;
const list = Object.entries(views({ height: receipt.height ?? height, transaction, account: ALICE, key: '0x6772656574696e67' })).filter(([name]) => name !== 'nothing' && name !== 'heights');

async function take(page, name, width, theme) {
  const path = `${directory}/${name}-${theme}${asked.length ? `-${width}` : ''}.png`;
  const picture = withPalette(await page.screenshot({ fullPage: asked.length > 0 }));
  writeFileSync(path, picture);
  bytes += picture.length;
}

for (const width of widths) {
  for (const theme of ['light', 'dark']) {
    const context = await browser.newContext({ viewport: { width, height: 720 }, colorScheme: theme });
    const page = await context.newPage();
    await page.goto(`${chain.base}/#/`);
    await sleep(4000);
    for (const [name, path] of list) {
      await page.evaluate((hash) => (location.hash = hash), `#${path}`);
      await sleep(2500);
      await take(page, name, width, theme);
    }
    // One of four is gone: what the first view is for.
    const killed = await post(`${chain.base}/devnet/kill`, { node: 2 }).catch(() => ({ status: 0 }));
    if (killed.status === 200) {
      await page.evaluate(() => (location.hash = '#/'));
      await sleep(5000);
      await take(page, 'one-is-down', width, theme);
      await post(`${chain.base}/devnet/restart`, { node: 2 });
      await sleep(4000);
    }
    await context.close();
  }
}
await browser.close();
await chain.stop();
console.log(`${bytes} bytes in ${directory}`);
if (!asked.length && bytes > BYTES_MAX) throw new Error(`more than ${BYTES_MAX} bytes`);
