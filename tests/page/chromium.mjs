// A browser for the tests and the pictures: Debian's Chromium, without a window, with a profile of its own.
import { existsSync, readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const paths = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
export const executablePath = paths.find((path) => path && existsSync(path));

export const OPTIONS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--js-flags=--expose-gc'];

export async function launch() {
  if (!executablePath) throw new Error('no Chromium: apt-get install chromium, or CHROMIUM');
  const browser = await chromium.launch({ executablePath, args: OPTIONS });
  const folder = process.env.LOCKSTEP_PAGE_FROM;
  if (!folder) return browser;
  const newContext = browser.newContext.bind(browser);
  browser.newContext = async (options) => {
    const context = await newContext(options);
    await context.route(/^https?:\/\/[^/]+\/page\//, (route) => fromDisk(route, folder));
    return context;
  };
  return browser;
}

const MEDIA = { css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' };

/** A file of the page as it stands in a folder, in place of the one that the binary holds: for a page that is being written. The document stays the node's: what it may do is said with it. */
function fromDisk(route, folder) {
  const name = new URL(route.request().url()).pathname.split('/').slice(3).join('/');
  return route.fulfill({ contentType: `${MEDIA[name.split('.').pop()]}; charset=utf-8`, body: readFileSync(`${folder}/${name}`) });
}

/** All views, with what must be known to open those of one thing. */
export function views({ height, transaction, account, key }) {
  return {
    overview: '/',
    heights: '/timeline',
    timeline: `/timeline/${height}`,
    actors: '/actors',
    actor: '/actors/RoundDriver',
    blocks: '/blocks',
    block: `/block/${height}`,
    transaction: `/transaction/${transaction}`,
    account: `/account/${account}`,
    record: `/record/${account}/${key}`,
    mempool: '/mempool',
    validators: '/validators',
    evidence: '/evidence',
    peers: '/peers',
    devnet: '/devnet',
    nothing: '/nothing/%3Cscript%3E',
  };
}
