// Runs graphs in TensorFlow.js: FOLDER (with node_modules), a file of cases, a file for the answers.
import { createRequire } from 'module';
import { readFileSync, writeFileSync } from 'fs';

const [folder, from, to] = process.argv.slice(2);
const require = createRequire(folder + '/');
const tf = require('@tensorflow/tfjs-core');
require('@tensorflow/tfjs-backend-cpu');
const converter = require('@tensorflow/tfjs-converter');
console.warn = console.log = console.info = () => {};

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };

function bytesOf(tensor) {
  const raw = Buffer.from(tensor.data, 'base64');
  return raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength);
}

function join(parts) {
  const whole = new Uint8Array(parts.reduce((sum, p) => sum + p.byteLength, 0));
  let at = 0;
  for (const p of parts) {
    whole.set(new Uint8Array(p), at);
    at += p.byteLength;
  }
  return whole.buffer;
}

async function run(one) {
  const names = Object.keys(one.weights);
  const model = await converter.loadGraphModel(tf.io.fromMemory({
    modelTopology: one.topology,
    weightSpecs: names.map((name) => ({ name, shape: one.weights[name].shape, dtype: one.weights[name].dtype })),
    weightData: join(names.map((name) => bytesOf(one.weights[name]))),
  }));
  const inputs = {};
  for (const [name, t] of Object.entries(one.inputs))
    inputs[name] = tf.tensor(new arrays[t.dtype](bytesOf(t)), t.shape, t.dtype);
  let results;
  try {
    results = model.execute(inputs, one.outputs);
  } catch (fault) { // control flow, or sizes that depend on data
    results = await model.executeAsync(inputs, one.outputs);
  }
  const answers = [];
  for (const t of [].concat(results)) {
    if (!Array.from(t.shape).every(Number.isInteger)) throw new Error('a result of shape ' + t.shape);
    const data = new arrays[t.dtype](await t.data()); // a cast may have left bytes
    if (data.length !== t.size) throw new Error(`${data.length} numbers of shape ${t.shape}`);
    answers.push({ shape: t.shape, dtype: t.dtype,
      data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64') });
  }
  return answers;
}

await tf.setBackend('cpu');
const answers = [];
for (const one of JSON.parse(readFileSync(from))) {
  tf.engine().startScope();
  try {
    answers.push({ outputs: await run(one) });
  } catch (fault) {
    answers.push({ error: String(fault.message || fault).slice(0, 300) });
  }
  tf.engine().endScope();
}
writeFileSync(to, JSON.stringify(answers));
