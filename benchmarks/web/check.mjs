// Files of ours in onnxruntime-web's WebAssembly backend, under Node.
//
//     node check.mjs DIRECTORY
//
// benchmarks/web.py puts there, for each case: NAME.onnx, NAME.json (width, height), NAME.rgb, the
// expected bytes at the picture's own pixels. One JSON row per case goes to stdout.
import fs from "node:fs";
import path from "node:path";
import * as ort from "onnxruntime-web";

ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";
const directory = process.argv[2];

function pixelGrid(width, height) {
  const grid = new Float32Array(2 * width * height);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      grid[at++] = (2 * x + 1) / width - 1;
      grid[at++] = (2 * y + 1) / height - 1;
    }
  }
  return new ort.Tensor("float32", grid, [1, height, width, 2]);
}

for (const file of fs.readdirSync(directory).filter((name) => name.endsWith(".onnx")).sort()) {
  const base = path.join(directory, file.slice(0, -5));
  const { width, height } = JSON.parse(fs.readFileSync(`${base}.json`));
  const expected = fs.readFileSync(`${base}.rgb`);
  const start = performance.now();
  const model = new Uint8Array(fs.readFileSync(`${base}.onnx`));
  const session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
  const loaded = performance.now();
  const { rgb } = await session.run({ grid: pixelGrid(width, height) });
  const done = performance.now();
  let largest = 0;
  let differ = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(rgb.data[i] - expected[i]);
    largest = Math.max(largest, difference);
    differ += difference > 0;
  }
  const same = rgb.data.length === expected.length;
  const row = { file, largest: same ? largest : 255, share: differ / expected.length };
  console.log(JSON.stringify({ ...row, session: loaded - start, run: done - loaded }));
}
