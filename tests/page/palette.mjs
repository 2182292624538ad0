// Makes a PNG with a palette of a browser's picture, which has few colours: a third of the size, by node's own zlib.
// (https://www.w3.org/TR/png-3/)
import { crc32 as zlibCrc, deflateSync, inflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);

const TABLE = Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});
const crc = zlibCrc ?? ((bytes) => (bytes.reduce((c, byte) => TABLE[(c ^ byte) & 255] ^ (c >>> 8), 0xffffffff) ^ 0xffffffff) >>> 0);

function chunk(type, data) {
  const named = Buffer.concat([Buffer.from(type), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc(named) >>> 0);
  return Buffer.concat([length, named, sum]);
}

/** Width, height and the bytes of all pixels, three each. */
function read(png) {
  let [at, width, height, bytes] = [8, 0, 0, 3];
  const data = [];
  while (at < png.length) {
    const [length, type] = [png.readUInt32BE(at), png.toString('latin1', at + 4, at + 8)];
    const body = png.subarray(at + 8, at + 8 + length);
    if (type === 'IHDR') [width, height, bytes] = [body.readUInt32BE(0), body.readUInt32BE(4), body[9] === 6 ? 4 : 3];
    if (type === 'IDAT') data.push(body);
    at += 12 + length;
  }
  const raw = inflateSync(Buffer.concat(data));
  const line = width * bytes;
  const pixels = Buffer.alloc(width * height * bytes);
  for (let y = 0; y < height; y += 1) {
    const filter = raw[y * (line + 1)];
    for (let x = 0; x < line; x += 1) {
      const here = y * line + x;
      const left = x >= bytes ? pixels[here - bytes] : 0;
      const up = y ? pixels[here - line] : 0;
      const corner = y && x >= bytes ? pixels[here - line - bytes] : 0;
      pixels[here] = raw[y * (line + 1) + 1 + x] + [0, left, up, (left + up) >> 1, filter === 4 ? paeth(left, up, corner) : 0][filter];
    }
  }
  return { width, height, bytes, pixels };
}

function paeth(a, b, c) {
  const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

/** The same picture in 256 of its colours. */
export function withPalette(png) {
  const { width, height, bytes, pixels } = read(png);
  const seen = new Map();
  const colourAt = (at) => (pixels[at] << 16) | (pixels[at + 1] << 8) | pixels[at + 2];
  for (let at = 0; at < pixels.length; at += bytes) seen.set(colourAt(at), (seen.get(colourAt(at)) ?? 0) + 1);
  const sorted = [...seen].sort((a, b) => b[1] - a[1]).map(([colour]) => colour);
  // First one of each kind, or the greys at the edges of letters would leave no place for a colour that is rare.
  const kinds = new Map();
  for (const colour of sorted) if (!kinds.has(colour & 0xf0f0f0)) kinds.set(colour & 0xf0f0f0, colour);
  const palette = [...new Set([...[...kinds.values()].slice(0, 200), ...sorted])].slice(0, 256);
  const places = new Map(palette.map((colour, place) => [colour, place]));
  const far = (a, b) => ((a >> 16) - (b >> 16)) ** 2 + (((a >> 8) & 255) - ((b >> 8) & 255)) ** 2 + ((a & 255) - (b & 255)) ** 2;
  const placeOf = (colour) => {
    if (!places.has(colour)) places.set(colour, palette.reduce((best, one, place) => (far(one, colour) < far(palette[best], colour) ? place : best), 0));
    return places.get(colour);
  };
  const raw = Buffer.alloc(height * (width + 1));
  for (let y = 0; y < height; y += 1) for (let x = 0; x < width; x += 1) raw[y * (width + 1) + 1 + x] = placeOf(colourAt((y * width + x) * bytes));
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3, 0, 0, 0], 8);
  const colours = Buffer.from(palette.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]));
  return Buffer.concat([SIGNATURE, chunk('IHDR', head), chunk('PLTE', colours), chunk('IDAT', deflateSync(raw, { level: 9 })), chunk('IEND', Buffer.alloc(0))]);
}
