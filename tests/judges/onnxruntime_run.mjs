// Runs ONNX models in ONNX Runtime on the CPU. A line of JSON on standard input is a task:
// {"model", "inputs": {NAME: FILE.npy}, "outputs": FOLDER, "optimize": bool}; the answer is a line
// {"names": [...]}, output i lying in FOLDER/output_i.npy, or {"error": ...}. The module
// onnxruntime-node is looked for below the current folder.
import { createRequire } from 'node:module';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';

const require = createRequire(path.join(process.cwd(), 'here.js'));
const ort = require('onnxruntime-node');

const kinds = {
  '<f4': ['float32', Float32Array], '<f8': ['float64', Float64Array], '<i8': ['int64', BigInt64Array],
  '<u8': ['uint64', BigUint64Array], '<i4': ['int32', Int32Array], '<u4': ['uint32', Uint32Array],
  '<i2': ['int16', Int16Array], '<u2': ['uint16', Uint16Array], '|i1': ['int8', Int8Array],
  '|u1': ['uint8', Uint8Array], '|b1': ['bool', Uint8Array], '<f2': ['float16', Uint16Array],
};

function readNpy(file) {
  const bytes = fs.readFileSync(file), long = bytes[6] > 1;
  const start = long ? 12 : 10, size = long ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8);
  const head = bytes.toString('latin1', start, start + size);
  const descr = head.match(/'descr': *'([^']*)'/)[1];
  const dims = head.match(/'shape': *\(([^)]*)\)/)[1].split(',').filter(d => d.trim()).map(Number);
  const [type, List] = kinds[descr];
  const data = bytes.buffer.slice(bytes.byteOffset + start + size, bytes.byteOffset + bytes.length);
  return new ort.Tensor(type, new List(data), dims);
}

function writeNpy(file, tensor) {
  const descr = Object.keys(kinds).find(key => kinds[key][0] === tensor.type);
  if (!descr) throw new Error(`an output of type ${tensor.type}`);
  const dims = tensor.dims.length === 1 ? `${tensor.dims[0]},` : tensor.dims.join(', ');
  let head = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${dims}), }`;
  head += ' '.repeat(63 - (10 + head.length) % 64) + '\n';
  const first = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, head.length & 255, head.length >> 8]);
  const data = tensor.data;
  fs.writeFileSync(file, Buffer.concat([first, Buffer.from(head, 'latin1'),
    Buffer.from(data.buffer, data.byteOffset, data.byteLength)]));
}

async function answer(task) {
  const session = await ort.InferenceSession.create(task.model, {
    executionProviders: ['cpu'], intraOpNumThreads: 1, interOpNumThreads: 1,
    graphOptimizationLevel: task.optimize ? 'all' : 'disabled', logSeverityLevel: 3 });
  const feeds = {};
  for (const [name, file] of Object.entries(task.inputs)) feeds[name] = readNpy(file);
  const results = await session.run(feeds);
  session.outputNames.forEach((name, i) =>
    writeNpy(path.join(task.outputs, `output_${i}.npy`), results[name]));
  await session.release();
  return { names: session.outputNames };
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  let result;
  try {
    result = await answer(JSON.parse(line));
  } catch (fault) {
    result = { error: String(fault.message ?? fault).split('\n').join(' ').slice(0, 400) };
  }
  console.log(JSON.stringify(result));
}
