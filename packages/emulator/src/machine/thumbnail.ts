/** A picture as QEMU's screendump writes it: portable pixmap, binary, 8 bits a colour. */
export interface Pixmap {
  readonly width: number;
  readonly height: number;
  /** Three bytes a pixel: red, green, blue. */
  readonly pixels: Uint8Array;
}

/** @throws Error when the bytes are no P6 pixmap of depth 255 */
export function parsePixmap(bytes: Uint8Array): Pixmap {
  const head = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(Buffer.from(bytes.subarray(0, 64)).toString("latin1"));
  if (!head) throw new Error("The screendump is not a P6 pixmap.");
  const width = Number(head[1]);
  const height = Number(head[2]);
  const pixels = bytes.subarray(head[0].length);
  if (pixels.length < width * height * 3) throw new Error(`The screendump of ${width}x${height} pixels is cut off.`);
  return { width, height, pixels };
}

/** Scales by averaging each target pixel's area and packs RGB565 little-endian, as GetVirtualSystemThumbnailImage answers. */
export function thumbnail(picture: Pixmap, width: number, height: number): Uint8Array {
  const out = new Uint8Array(width * height * 2);
  for (let row = 0; row < height; row++) {
    const top = Math.floor((row * picture.height) / height);
    const bottom = Math.max(top + 1, Math.floor(((row + 1) * picture.height) / height));
    for (let column = 0; column < width; column++) {
      const left = Math.floor((column * picture.width) / width);
      const right = Math.max(left + 1, Math.floor(((column + 1) * picture.width) / width));
      const [red, green, blue] = average(picture, left, top, right, bottom);
      const packed = ((red >> 3) << 11) | ((green >> 2) << 5) | (blue >> 3);
      const at = (row * width + column) * 2;
      out[at] = packed & 0xff;
      out[at + 1] = packed >> 8;
    }
  }
  return out;
}

function average(picture: Pixmap, left: number, top: number, right: number, bottom: number): [number, number, number] {
  let red = 0;
  let green = 0;
  let blue = 0;
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const at = (y * picture.width + x) * 3;
      red += picture.pixels[at] ?? 0;
      green += picture.pixels[at + 1] ?? 0;
      blue += picture.pixels[at + 2] ?? 0;
    }
  }
  const count = (right - left) * (bottom - top);
  return [Math.floor(red / count), Math.floor(green / count), Math.floor(blue / count)];
}
