// Writes a chat request with large photos of the sample page, about 20 MB each in the body.
//   node examples/photos.mjs [how many] [size of one more picture in front, such as 4001x10] >request.json
// Needs what `npm start` installs in this checkout.
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

const [count = '5', front] = process.argv.slice(2);
const page = fileURLToPath(new URL('sample.png', import.meta.url));

/** As a camera would make it: large, and hardly packed. Each is a little darker than the one before. */
const photo = (number) =>
  sharp(page)
    .resize(3300)
    .linear(1 - number / 100, 0)
    .png({ compressionLevel: 0 })
    .toBuffer();

const blank = (size) => {
  const [width, height] = size.split('x').map(Number);
  return sharp({ create: { width, height, channels: 3, background: 'white' } })
    .png()
    .toBuffer();
};

const part = (png) =>
  JSON.stringify({
    type: 'image_url',
    image_url: { url: `data:image/png;base64,${png.toString('base64')}` },
  });

process.stdout.write('{"model":"ocr","stream":true,"messages":[{"role":"user","content":[');
if (front !== undefined) process.stdout.write(`${part(await blank(front))},`);
for (let number = 0; number < Number(count); number += 1) {
  process.stdout.write(`${number > 0 ? ',' : ''}${part(await photo(number))}`);
}
process.stdout.write(']}]}\n');
