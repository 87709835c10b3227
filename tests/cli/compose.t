# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# `component plug` and `component compose`: several components become one that runs. With
# WASMTIME_REAL (the program of Bytecode Alliance's Wasmtime) what is composed runs there, too.
. "$top/tests/cli/lib.sh"

# Doubles a number; asks for nothing.
cat >double.wat <<'END'
(component
  (core module $m (func (export "f") (param i32) (result i32)
    (i32.mul (local.get 0) (i32.const 2))))
  (core instance $i (instantiate $m))
  (func $f (param "x" u32) (result u32) (canon lift (core func $i "f")))
  (instance $e (export "apply" (func $f)))
  (export "test:math/op@0.2.1" (instance $e)))
END
# Adds one to what another one makes of a number.
cat >incr.wat <<'END'
(component
  (import "test:math/op@0.2.0" (instance $op
    (export "apply" (func (param "x" u32) (result u32)))))
  (alias export $op "apply" (func $apply))
  (core func $g (canon lower (func $apply)))
  (core module $m (import "" "g" (func $g (param i32) (result i32)))
    (func (export "f") (param i32) (result i32)
      (i32.add (call $g (local.get 0)) (i32.const 1))))
  (core instance $i (instantiate $m (with "" (instance (export "g" (func $g))))))
  (func $f (param "x" u32) (result u32) (canon lift (core func $i "f")))
  (instance $e (export "apply" (func $f)))
  (export "test:math/op@0.2.0" (instance $e))
  (export "apply" (func $f)))
END
mkdir -p deps/test
cp double.wat deps/test/double.wat
cp incr.wat deps/test/incr.wat

# The component must give that result for apply(20), here and in the reference.
gives() {
    run run --invoke 'apply(20)' "$1"
    code 0
    stdout "$2"
    if [ -n "$WASMTIME_REAL" ]; then
        expect test "$("$WASMTIME_REAL" run --invoke 'apply(20)' "$1" 2>&1)" = "$2"
    fi
}
[ -n "$WASMTIME_REAL" ] || echo "skip $topic: WASMTIME_REAL is not set, nothing runs there"

begin "a plug of a compatible version"
run component plug incr.wat --plug double.wat -o plugged.wasm
code 0
gives plugged.wasm 41
run component wit plugged.wasm
code 0
expect test -z "$(grep import .out)"

begin "as text"
run component plug incr.wat --plug double.wat -t -o plugged.wat
code 0
expect grep -q '^(component' plugged.wat
gives_text() { run run --invoke 'apply(20)' plugged.wat; code 0; stdout 41; }
gives_text

begin "a plug twice over"
run component plug incr.wat --plug plugged.wasm -o twice.wasm
code 0
gives twice.wasm 42

begin "plugs that do not fit"
run component plug double.wat --plug incr.wat -o x.wasm
code 1
err_has "the socket component had no matching imports for the plugs that were provided"
run component plug incr.wat
code 2
sed 's/"x" u32) (result u32)/"x" s32) (result u32)/' double.wat >signed.wat
run component plug incr.wat --plug signed.wat -o x.wasm
code 1
err_has "the export \`test:math/op@0.2.1\` of \`signed.wat\` does not fit the import \`test:math/op@0.2.0\` of \`incr.wat\`"
err_has "expected: apply: func(x: u32) -> u32"
err_has "found:    apply: func(x: s32) -> u32"
expect test ! -e x.wasm

begin "a composition from WAC"
cat >chain.wac <<'END'
package test:chain;

let base = new test:double {};
let one = new test:incr { op: base.op };
let two = new test:incr { ...one };
export new test:incr { "test:math/op@0.2.0": two["test:math/op@0.2.0"] }...;
END
run component compose chain.wac -o chain.wasm
code 0
gives chain.wasm 43

begin "imports that are left open"
cat >open.wac <<'END'
package test:open;
let a = new test:incr { ... };
let b = new test:incr { ...a };
export b.apply;
export b["test:math/op@0.2.0"] as "again";
END
run component compose open.wac -o open.wasm
code 0
run component wit open.wasm
code 0
out_has "import test:math/op@0.2.0;"
out_has "export apply: func(x: u32) -> u32;"
out_has "export again: interface"
run component plug open.wasm --plug double.wat -o closed.wasm
code 0
gives closed.wasm 42

begin "packages named on the command line, types declared in the text"
cat >named.wac <<'END'
package test:named;
/// What is asked of the world outside.
interface op { apply: func(x: u32) -> u32; }
import outer as "test:math/op@0.2.9": op;
let i = new an:alias { "test:math/op@0.2.0": outer };
export i.apply as "twice-and-one";
END
run component compose named.wac -d an:alias=incr.wat -o named.wasm
code 0
run component plug named.wasm --plug double.wat -o done.wasm
code 0
run run --invoke 'twice-and-one(4)' done.wasm
stdout 9

begin "what a text declares is exported, as WIT packages have it"
cat >defs.wac <<'END'
package test:defs@1.2.0;
interface i {
    type key = string;
    record pair { k: key, v: u32 }
    resource box { constructor(p: pair); get: func() -> pair; }
}
interface j {
    use i.{box, key as k2};
    swap: func(b: borrow<box>, k: k2) -> box;
}
world w { use j.{k2}; import i; import j; export i; export j; export run: func(k: k2); }
world most { include w; export more: func(); }
END
run component compose defs.wac -o defs.wasm
code 0
run component wit defs.wasm
code 0
cat >defs.wit <<'END'
package test:defs@1.2.0;

interface i {
  type key = string;

  record pair {
    k: key,
    v: u32,
  }

  resource box {
    constructor(p: pair);
    get: func() -> pair;
  }
}

interface j {
  use i.{box, key as k2};

  swap: func(b: borrow<box>, k: k2) -> box;
}

world w {
  use i.{key as k2};

  import i;
  import j;
  export i;
  export j;
  export run: func(k: k2);
}

world most {
  use i.{key as k2};

  import i;
  import j;
  export i;
  export j;
  export run: func(k: k2);
  export more: func();
}
END
same_wit() { expect diff -u defs.wit .out; }
same_wit
run component embed defs.wasm -w most --dummy -o dummy.wasm
code 0
run component new dummy.wasm -o dummy.component.wasm
code 0
run component targets defs.wasm dummy.component.wasm -w most
code 0
cat >types.wac <<'END'
package test:types;
type number = u32;
record pair { a: number, b: list<number> }
variant either { one(pair), two(tuple<pair, pair>), none }
type same = pair;
type unary = func(x: u32) -> u32;
interface k { f: func(); }
let d = new test:double {};
export number as amount;
export d["test:math/op@0.2.1"].apply;
END
run component compose types.wac -t -o types.wat
code 0
for export in 'export "amount" (type' 'export "pair" (type' 'export "either" (type' \
    'export "same" (type' 'export "unary" (type' 'export "k" (type'; do
    expect grep -qF "$export" types.wat
done
expect test -z "$(grep '"number"' types.wat)"
run component compose types.wac -o types.wasm
code 0
gives types.wasm 40
run component wit types.wasm
code 0
out_has "export apply: func(x: u32) -> u32;"

begin "worlds of the text, and targets"
cat >target.wac <<'END'
package test:target targets test:target/all;
type unary = func(x: u32) -> u32;
interface op {
    type fn = func(x: u32) -> u32;
    apply: fn;
}
world in { import op; import extra: func(); }
world all {
    include in with { extra as more };
    export run: func(x: u32) -> u32;
}
import it: op;
let i = new test:incr { "test:math/op@0.2.0": it };
export i.apply as run;
END
run component compose target.wac -o target.wasm
code 0
run component wit target.wasm
out_has "import test:target/op;"
sed 's/import op; import extra/import extra/' target.wac >less.wac
run component compose less.wac -o x.wasm
code 1
err_has "the composition imports \`test:target/op\`, which world \`test:target/all\` does not"
err_has "--> less.wac:1:29"
sed 's/ as run;/ as ran;/' target.wac >less.wac
run component compose less.wac -o x.wasm
code 1
err_has "the composition does not export \`run\`"

begin "one interface imported under two names has two resources"
cat >two.wac <<'END'
package test:two;
interface r { resource d { constructor(); } give: func() -> d; }
interface s { use r.{d}; take: func(d: d); }
import a: s;
import b as "x:y/z": r;
import c as other: r;
export b;
END
run component compose two.wac -o two.wasm
code 0
run component wit two.wasm
code 0
out_has "import test:two/r;"
out_has "import x:y/z;"

begin "what is wrong is shown in its place"
wrong_text() {
    printf '%s\n' "package test:wrong;" "$1" >wrong.wac
    run component compose wrong.wac -o x.wasm
    code 1
    err_has "$2"
    err_has "--> wrong.wac:$3"
}
wrong_text 'let a = new test:nothing {};' 'package `test:nothing` is not in `deps`' 2:13
wrong_text 'let a = new test:incr {};' 'the import `test:math/op@0.2.0` of `test:incr` is not given' 2:9
wrong_text 'export b;' '`b` has not been defined' 2:8
wrong_text 'let a = new test:double { ... }; let a = a;' '`a` is defined already, in line 2' 2:38
wrong_text 'let a = new test:double {}; export a;' 'has no name' 2:36
wrong_text 'let a = new test:double {}; export a.nothing;' 'no export `nothing`' 2:38
wrong_text 'let a = new test:double { b: 1 };' 'expected an expression' 2:30
wrong_text 'import f: func(); let a = new test:incr { op: f };' 'expected an instance, found a func' 2:27
wrong_text 'world a { export x: func(); } world b { include a; export x: interface { f: func(); }; }' '`x` is in the world twice' 2:52
wrong_text 'interface i { r: func(x: u32, x: u32); }' 'there are two parameters `x`' 2:31
wrong_text 'type x = u32; import f: func(); export f as x;' 'there is an export `x` already' 2:45
wrong_text 'import f: func(); export f as i; interface i { }' '`i` cannot be declared' 2:44
wrong_text 'type x = u32; export x;' 'another name is given by `export ... as NAME;`' 2:22
wrong_text 'type x = u32; let y = x.z;' 'this is a type; only an instance has exports' 2:23
wrong_text 'interface i { resource r; f: func() -> borrow<r>; }' '`i` is not valid' 2:11
wrong_text 'import op: interface { apply: func(x: string) -> u32; }; let a = new test:incr { op };' 'found:    apply: func(x: string) -> u32' 2:66
expect test ! -e x.wasm

begin "types of proposals that are off when components run"
cat >maps.wat <<'EOF'
(component (core module $m (memory (export "m") 1) (func (export "f") (param i32 i32))
    (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable))
  (core instance $i (instantiate $m))
  (type $t (map u8 string))
  (func (export "f") (param "x" $t)
    (canon lift (core func $i "f") (memory $i "m") (realloc (func $i "r")))))
EOF
echo '(component (import "f" (func (param "x" (map u8 string)))))' >user.wat
run component plug --plug maps.wat user.wat -o x.wasm
code 0
run component plug -t --plug maps.wat user.wat
code 0
out_has "(map u8 string)"
run --invoke 'f([])' maps.wat
code 1
err_has "Maps require the component model map feature"
err_lacks "requires"

begin "what an instance under a plain name implements is kept"
cat >kv.wat <<'EOF'
(component
  (core module $m (func (export "g") (result i32) i32.const 7))
  (core instance $i (instantiate $m))
  (func $f (result u32) (canon lift (core func $i "g")))
  (instance $k (export "get" (func $f)))
  (export "primary" (implements "a:b/kv") (instance $k)))
EOF
cat >two.wat <<'EOF'
(component
  (import "primary" (implements "a:b/kv") (instance $o (export "get" (func (result u32)))))
  (import "second" (implements "a:b/kv") (instance $p (export "get" (func (result u32)))))
  (export "one" (func $o "get")))
EOF
run component plug two.wat --plug kv.wat -o plugged.wasm
code 0
run component wit plugged.wasm
out_has 'import second: a:b/kv;'
expect test "$(grep -c 'import primary' .out)" = 0
cat >names.wac <<'EOF'
package x:y;
interface i { f: func(); }
world w { import a: i; export b: i; }
let k = new my:kv {};
export k.primary as "other";
EOF
run component compose names.wac -d my:kv=kv.wat -t
code 0
out_has '"other" (implements "a:b/kv")'
out_has '(import "a" (implements "x:y/i")'
out_has '(export "b" (implements "x:y/i")'

finish
