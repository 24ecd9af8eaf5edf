// Runs every .onnx file of a folder in ONNX Runtime on the inputs of the .json file beside it, and compares the outputs.
// Exit status 77: ONNX Runtime is not here (npm i onnxruntime-node, and its folder in NODE_PATH).
const fs = require('fs'), path = require('path');
let ort;
try { ort = require('onnxruntime-node'); } catch { process.exit(77); }

async function run(file) {
  const want = JSON.parse(fs.readFileSync(file.replace(/onnx$/, 'json')));
  const session = await ort.InferenceSession.create(file, {logSeverityLevel: 3});
  const feeds = {};
  for (const x of want.inputs) feeds[x.name] = new ort.Tensor('float32', Float32Array.from(x.data), x.shape);
  const y = (await session.run(feeds)).output;
  if (y.dims.join() !== want.shape.join()) return `shape ${y.dims}, expected ${want.shape}`;
  let worst = 0;
  want.output.forEach((value, i) => {
    const off = Math.abs(y.data[i] - value) / Math.max(1, Math.abs(value));
    if (!(off <= worst)) worst = off;
  });
  return worst <= 1e-5 ? '' : `off by ${worst}`;
}

(async () => {
  const files = fs.readdirSync(process.argv[2]).filter(name => name.endsWith('.onnx')).sort();
  let bad = 0;
  for (const name of files) {
    const wrong = await run(path.join(process.argv[2], name)).catch(reason => String(reason));
    if (wrong) { console.log(`${name}: ${wrong}`); bad++; }
  }
  console.log(`${files.length} files, ${bad} wrong`);
  process.exit(bad || !files.length ? 1 : 0);
})();
