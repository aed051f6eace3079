// Times one ONNX model in ONNX Runtime on the CPU: onnxruntime_time.mjs THREADS RUNS SHAPES MODEL
//
// SHAPES is "NAME=1x3x224x224" for each input, joined with ';'. Prints a line of JSON as
// `tinydnn bench --json` does. The module onnxruntime-node is looked for below the current folder.
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(path.join(process.cwd(), 'here.js'));
const [threads, runs, shapes, model] = process.argv.slice(2);
const result = { engine: 'onnxruntime', model, threads: Number(threads) };

function randomTensor(ort, type, dims) {
  const length = dims.reduce((a, b) => a * b, 1);
  if (type === 'int64') return new ort.Tensor(type, BigInt64Array.from({ length }, () => 1n), dims);
  if (type === 'uint8')
    return new ort.Tensor(type, Uint8Array.from({ length }, () => Math.random() * 256), dims);
  return new ort.Tensor(type, Float32Array.from({ length }, Math.random), dims);
}

try {
  const ort = require('onnxruntime-node');
  result.base_rss_kb = process.resourceUsage().maxRSS;
  const start = performance.now();
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: Number(threads), interOpNumThreads: 1, graphOptimizationLevel: 'all',
    executionProviders: ['cpu'] });
  result.load_ms = performance.now() - start;
  const types = Object.fromEntries(session.inputMetadata.map(meta => [meta.name, meta.type]));
  const feeds = {};
  for (const shape of shapes.split(';')) {
    const at = shape.lastIndexOf('='), name = shape.slice(0, at);
    const dims = shape.slice(at + 1).split('x').filter(d => d !== 'scalar').map(Number);
    feeds[name] = randomTensor(ort, types[name], dims);
  }
  const times = [];
  for (let i = 0; i < Number(runs) + 3; i++) {
    const from = performance.now();
    await session.run(feeds);
    times.push(performance.now() - from);
  }
  result.peak_rss_kb = process.resourceUsage().maxRSS;
  result.first_ms = times[0];
  times.splice(0, 3);
  times.sort((a, b) => a - b);
  result.min_ms = times[0];
  result.median_ms = times[times.length >> 1];
} catch (fault) {
  result.error = String(fault.message ?? fault).split('\n').join(' ').slice(0, 160);
}
console.log(JSON.stringify(result));
