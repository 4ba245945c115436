// Files of ours in onnxruntime-web's WebAssembly backend, under Node.
//
//     node check.mjs DIRECTORY
//
// benchmarks/web.py puts there, for each case: NAME.onnx, NAME.grid (float32 x, y of every point) and
// NAME.json (the shape of the grid); and either NAME.rgb, the bytes that are expected, or nothing:
// then the outputs are written to NAME.0, NAME.1 and so on. One JSON row per case goes to stdout:
// milliseconds, and with NAME.rgb the bytes of the file, the largest difference and the share of
// samples that differ.
import fs from "node:fs";
import path from "node:path";
import * as ort from "onnxruntime-web";

ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";
const directory = process.argv[2];

function readGrid(base) {
  const { buffer } = new Uint8Array(fs.readFileSync(`${base}.grid`)); // a copy: it begins at 0
  const shape = JSON.parse(fs.readFileSync(`${base}.json`));
  return new ort.Tensor("float32", new Float32Array(buffer), shape);
}

function compare(found, expected) {
  let largest = found.length === expected.length ? 0 : 255;
  let differ = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(found[i] - expected[i]);
    largest = Math.max(largest, difference);
    differ += difference > 0;
  }
  return { largest, share: differ / expected.length };
}

for (const file of fs.readdirSync(directory).filter((name) => name.endsWith(".onnx"))) {
  const name = file.slice(0, -5);
  const base = path.join(directory, name);
  const grid = readGrid(base);
  const model = new Uint8Array(fs.readFileSync(`${base}.onnx`));
  const start = performance.now();
  const session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
  const loaded = performance.now();
  const outputs = await session.run({ grid });
  const done = performance.now();
  let row = { name, size: model.length, session: loaded - start, run: done - loaded };
  if (fs.existsSync(`${base}.rgb`)) {
    row = { ...row, ...compare(outputs.rgb.data, fs.readFileSync(`${base}.rgb`)) };
  } else {
    session.outputNames.forEach((output, i) => {
      const { buffer, byteOffset, byteLength } = outputs[output].data;
      fs.writeFileSync(`${base}.${i}`, new Uint8Array(buffer, byteOffset, byteLength));
    });
  }
  await session.release();
  console.log(JSON.stringify(row));
}
