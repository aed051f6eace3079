// Times many small models in ONNX Runtime, in one process: reads lines "MILLISECONDS MODEL" and
// answers each with a line of JSON. THREADS and a FOLDER for traces are its arguments.
//
// What counts is the time that the library's own trace gives for a run, to which neither
// JavaScript nor the making of its tensors belongs.
import { createRequire } from 'node:module';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';

const require = createRequire(path.join(process.cwd(), 'here.js'));
const ort = require('onnxruntime-node');
const [threads, folder] = process.argv.slice(2);
const ARRAYS = { float32: Float32Array, float64: Float64Array, int32: Int32Array, int8: Int8Array,
  uint8: Uint8Array, bool: Uint8Array, int64: BigInt64Array, float16: Uint16Array };
const VALUES = { float32: Math.random, float64: Math.random, int32: () => 1, int64: () => 1n,
  int8: () => Math.random() * 256 - 128, uint8: () => Math.random() * 256,
  bool: () => Math.random() < 0.5, float16: () => 0x3000 + Math.random() * 0x800 };

function randomTensor({ type, shape }) {
  const length = shape.reduce((a, b) => a * b, 1);
  return new ort.Tensor(type, ARRAYS[type].from({ length }, VALUES[type]), shape);
}

function runTimes(prefix) {
  const name = fs.readdirSync(folder).find(file => file.startsWith(prefix));
  const text = fs.readFileSync(path.join(folder, name), 'utf8');
  fs.unlinkSync(path.join(folder, name));
  return JSON.parse(text).filter(e => e.name === 'model_run').map(e => e.dur / 1e3);
}

async function measure(prefix, milliseconds, model) {
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: Number(threads), interOpNumThreads: 1, graphOptimizationLevel: 'all',
    executionProviders: ['cpu'], logSeverityLevel: 4, enableProfiling: true,
    profileFilePrefix: path.join(folder, prefix) });
  const feeds = Object.fromEntries(session.inputMetadata.map(i => [i.name, randomTensor(i)]));
  const end = performance.now() + milliseconds + 5;
  let runs = 0;
  for (; (runs < 6 || performance.now() < end) && runs < 400; runs++) await session.run(feeds);
  session.endProfiling();
  await session.release();
  const times = runTimes(prefix).slice(runs > 20 ? 10 : 3).sort((a, b) => a - b);
  return { median_ms: times[times.length >> 1], min_ms: times[0] };
}

let number = 0;
for await (const line of readline.createInterface({ input: process.stdin })) {
  const at = line.indexOf(' ');
  let answer;
  try {
    answer = await measure(`trace${number++}_`, Number(line.slice(0, at)), line.slice(at + 1));
  } catch (fault) {
    answer = { error: String(fault.message ?? fault).split('\n').join(' ').slice(0, 160) };
  }
  console.log(JSON.stringify(answer));
}
