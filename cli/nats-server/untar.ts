import { promisify } from "node:util";
import { gunzip } from "node:zlib";

const BLOCK_BYTES = 512;
const NAME_END = 100;
const SIZE_START = 124;
const SIZE_END = 136;
const TYPE_START = 156;
const TYPE_END = 157;

/** The content of the first file of this name, in whatever folder, in a .tar.gz. */
export async function untar(archive: Uint8Array, name: string): Promise<Uint8Array> {
  const tar = await promisify(gunzip)(archive);
  let header = 0;
  while (header + BLOCK_BYTES <= tar.length) {
    const field = (from: number, to: number) =>
      tar.toString("latin1", header + from, header + to).replace(/\0.*$/s, "");
    const size = Number.parseInt(field(SIZE_START, SIZE_END), 8) || 0;
    const start = header + BLOCK_BYTES;
    // Archives also hold attributes, as files of the same name but another type.
    const isFile = ["", "0"].includes(field(TYPE_START, TYPE_END));
    if (isFile && field(0, NAME_END).split("/").at(-1) === name) {
      return tar.subarray(start, start + size);
    }
    header = start + Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
  }
  throw new Error(`the archive holds no ${name}`);
}
