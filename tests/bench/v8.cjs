// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// V8 as a peer: node [V8 flags] v8.cjs run|compile FILE.wasm
//   run: the program with bench.start and bench.end timed, "BENCHNS n" on stderr
//   compile: "COMPILENS n", one compilation (V8 caches modules by content, so not in a loop)
const fs = require('fs');
const [mode, file] = process.argv.slice(2);
const bytes = fs.readFileSync(file);

function compile() {
  const t0 = process.hrtime.bigint();
  const module = new WebAssembly.Module(bytes);
  return [module, process.hrtime.bigint() - t0];
}

if (mode === 'compile') {
  process.stderr.write(`COMPILENS ${compile()[1]}\n`);
} else {
  process.removeAllListeners('warning');
  process.on('warning', () => {});
  const { WASI } = require('wasi');
  const wasi = new WASI({ version: 'preview1', args: [file], env: {}, preopens: { '.': '.' },
                          returnOnExit: true });
  let started, ns = null;
  const bench = { start() { started = process.hrtime.bigint(); },
                  end() { ns = process.hrtime.bigint() - started; } };
  const instance = new WebAssembly.Instance(compile()[0], { ...wasi.getImportObject(), bench });
  const status = wasi.start(instance);
  process.stderr.write(`BENCHNS ${ns}\n`);
  process.exitCode = status;
}
