# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# `component embed`, `component new` and `component wit`: from a core module to a component that runs,
# and back to WIT. The modules have the names that wit-bindgen gives imports and exports.
. "$top/tests/cli/lib.sh"

mkdir wit
cat >wit/shop.wit <<'EOF'
package demo:shop@1.2.0;

interface names {
  record who { first: string, age: u32 }
  resource ticket { number: func() -> u32; }
}

interface desk {
  use names.{who, ticket};
  variant answer { no, yes(who), many(list<who>) }
  resource queue {
    constructor(start: u32);
    next: func() -> u32;
    merge: static func(a: queue, b: borrow<queue>) -> queue;
  }
  ask: func(w: who, t: borrow<ticket>) -> answer;
}

world shop {
  export greet: func(name: string) -> string;
}

world full {
  import names;
  import log: func(line: string);
  export desk;
  export size: func() -> u32;
}
EOF

cat >greet.wat <<'EOF'
(module
  (memory (export "memory") 1)
  (global $top (mut i32) (i32.const 1024))
  (global $started (mut i32) (i32.const 0))
  (data (i32.const 16) "Hello, ")
  (func (export "_initialize") (global.set $started (i32.const 1)))
  (func $alloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.get $top)
    (global.set $top (i32.add (global.get $top) (local.get 3))))
  (func (export "greet") (param i32 i32) (result i32)
    (local $at i32)
    (if (i32.eqz (global.get $started)) (then (unreachable)))
    (local.set $at (call $alloc (i32.const 0) (i32.const 0) (i32.const 1)
      (i32.add (local.get 1) (i32.const 7))))
    (memory.copy (local.get $at) (i32.const 16) (i32.const 7))
    (memory.copy (i32.add (local.get $at) (i32.const 7)) (local.get 0) (local.get 1))
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (i32.add (local.get 1) (i32.const 7)))
    (i32.const 0))
  (func (export "cabi_post_greet") (param i32)))
EOF

begin "a world with more than one choice lists them"
run component embed wit greet.wat -o x.wasm
code 1
err_has "There are 2 worlds in \`demo:shop@1.2.0\`; choose one:"
err_has "  shop"
err_has "  full"
run component embed wit greet.wat -w shops -o x.wasm
code 1
err_has "there is no world \`shops\`; \`demo:shop@1.2.0\` has:"
err_has "  shop"

begin "a module becomes a component, which runs"
run component embed wit greet.wat -w shop -o embedded.wasm
code 0
run component new embedded.wasm -o greet.wasm
code 0
stderr ""
run --invoke 'greet("you")' greet.wasm
code 0
stdout '"Hello, you"'

begin "its world can be read from it"
run component wit greet.wasm
code 0
stdout 'package root:component;

world root {
  export greet: func(name: string) -> string;
}'

begin "imports, exports, resources both ways"
cat >full.wat <<'EOF'
(module
  (import "demo:shop/names@1.2.0" "[method]ticket.number" (func $number (param i32) (result i32)))
  (import "demo:shop/names@1.2.0" "[resource-drop]ticket" (func $drop (param i32)))
  (import "$root" "log" (func $log (param i32 i32)))
  (import "[export]demo:shop/desk@1.2.0" "[resource-new]queue" (func $new (param i32) (result i32)))
  (import "[export]demo:shop/desk@1.2.0" "[resource-rep]queue" (func $rep (param i32) (result i32)))
  (import "[export]demo:shop/desk@1.2.0" "[resource-drop]queue" (func $dropq (param i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "size") (result i32) (i32.const 7))
  (func (export "demo:shop/desk@1.2.0#[constructor]queue") (param i32) (result i32)
    (call $new (local.get 0)))
  (func (export "demo:shop/desk@1.2.0#[method]queue.next") (param i32) (result i32) (i32.const 1))
  (func (export "demo:shop/desk@1.2.0#[static]queue.merge") (param i32 i32) (result i32)
    (local.get 0))
  (func (export "demo:shop/desk@1.2.0#[dtor]queue") (param i32) (call $log (i32.const 0) (i32.const 1)))
  (func (export "demo:shop/desk@1.2.0#ask") (param i32 i32 i32 i32) (result i32) (i32.const 64))
  (func (export "cabi_post_demo:shop/desk@1.2.0#ask") (param i32)))
EOF
run component embed wit full.wat -w full -o embedded.wasm
code 0
run component new embedded.wasm -o full.wasm
code 0
run component wit full.wasm
code 0
out_has "import demo:shop/names@1.2.0;"
out_has "import log: func(line: string);"
out_has "export demo:shop/desk@1.2.0;"
out_has "merge: static func(a: queue, b: borrow<queue>) -> queue;"
run component wit wit -w -o shop.wasm
code 0
run component wit shop.wasm
code 0
cp .out first.wit
run component wit first.wit
code 0
expect cmp -s .out first.wit

begin "an adapter serves imports, with a stack from the module's memory, cut down to what is used"
cat >main.wat <<'EOF'
(module
  (import "old" "twice" (func $twice (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "calc") (result i32) (call $twice (i32.const 21))))
EOF
cat >adapter.wat <<'EOF'
(module
  (import "env" "memory" (memory 0))
  (import "__main_module__" "cabi_realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
  (import "$root" "unused" (func $unused (param i32)))
  (global $__stack_pointer (mut i32) (i32.const 0))
  (global $allocation_state (mut i32) (i32.const 0))
  (func (export "unused") (call $unused (i32.const 1)))
  (func $double (param i32) (result i32)
    (global.set $__stack_pointer (i32.sub (global.get $__stack_pointer) (i32.const 16)))
    (if (i32.le_s (global.get $__stack_pointer) (i32.const 65536)) (then (unreachable)))
    (i32.store (global.get $__stack_pointer) (local.get 0))
    (i32.add (local.get 0) (i32.load (global.get $__stack_pointer)))
    (global.set $__stack_pointer (i32.add (global.get $__stack_pointer) (i32.const 16))))
  (func (export "twice") (param i32) (result i32) (call $double (local.get 0))))
EOF
cat >calc.wit <<'EOF'
package a:calc;
world main { export calc: func() -> u32; }
world adapter { import unused: func(x: u32); }
EOF
run component embed calc.wit main.wat -w main -o main.wasm
run component embed calc.wit adapter.wat -w adapter -o old.wasm
code 0
run component new main.wasm --adapt old.wasm -o calc.wasm
code 0
stderr ""
run --invoke 'calc()' calc.wasm
code 0
stdout 42
run component wit calc.wasm
code 0
expect test "$(grep -c import .out)" = 0

begin "an adapter may get its memory from memory.grow, whatever the module has"
sed 's/^  (func (export "calc")/  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)\n&/' \
    main.wat >own.wat
run component embed calc.wit own.wat -w main -o own.wasm
run component new own.wasm --adapt old.wasm -o own.out.wasm
code 0
run --invoke 'calc()' own.out.wasm
code 134
run component new own.wasm --adapt old.wasm --realloc-via-memory-grow -o own.out.wasm
code 0
run --invoke 'calc()' own.out.wasm
code 0
stdout 42

begin "a program of Go's compiler has room in front of an adapter's pages"
for language in Go C; do
    cat >go.wat <<EOF
(module
  (import "old" "twice" (func \$twice (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "calc") (result i32)
    (drop (call \$twice (i32.const 21)))
    (i32.gt_u (memory.size) (i32.const 1024)))
  (@custom "producers" "\\02\\0cprocessed-by\\00\\08language\\01\\0${#language}$language\\011"))
EOF
    run component embed calc.wit go.wat -w main -o go.wasm
    run component new go.wasm --adapt old.wasm -o go.out.wasm
    code 0
    run --invoke 'calc()' go.out.wasm
    code 0
    stdout "$([ $language = Go ] && echo 1 || echo 0)"
done

begin "what a module imports must be imported by its world"
cat >only.wit <<'EOF'
package a:b;
interface i { f: func(); }
interface t { resource r; g: func(); }
world w { export i; import p: t; }
EOF
for import in '"a:b/i" "f" (func)' '"a:b/t" "g" (func)' '"a:b/t" "[resource-drop]r" (func (param i32))'; do
    echo "(module (import $import) (memory (export \"memory\") 1) (func (export \"a:b/i#f\")))" >only.wat
    run component embed only.wit only.wat -o only.wasm
    code 0
    run component new only.wasm -o only.out.wasm
    code 1
    err_has "$(echo "$import" | cut -d' ' -f1 | tr -d '"')"
done

begin "a module may import a thing several times"
cat >again.wat <<'EOF'
(module
  (import "old" "twice" (func $a (param i32) (result i32)))
  (import "$root" "f" (func $f (result i32)))
  (import "$root" "f" (func $f2 (result i32)))
  (import "old" "twice" (func $b (param i32) (result i32)))
  (import "$root" "f" (func $f3 (result i32)))
  (memory (export "memory") 1)
  (func (export "calc") (result i32)
    (i32.add (call $b (call $a (i32.const 10)))
      (i32.add (call $f) (i32.add (call $f2) (call $f3))))))
EOF
cat >again.wit <<'EOF'
package a:again;
world main { import f: func() -> u32; export calc: func() -> u32; }
EOF
run component embed again.wit again.wat -w main -o again.wasm
run component new again.wasm --adapt old.wasm -o again.out.wasm
code 0
run component new -t again.wasm --adapt old.wasm
code 0
out_has '(import "$root" "f [v3]"'
out_has '(import "old" "twice [v2]"'
cat >one.wat <<'EOF'
(component
  (core module $m (func (export "f") (result i32) (i32.const 1)))
  (core instance $i (instantiate $m))
  (func (export "f") (result u32) (canon lift (core func $i "f"))))
EOF
run component plug again.out.wasm --plug one.wat -o again.all.wasm
code 0
run --invoke 'calc()' again.all.wasm
stdout 43

begin "an adapter without cabi_realloc has its stack from memory.grow"
sed '/cabi_realloc/d' adapter.wat >grow.wat
run component embed calc.wit grow.wat -w adapter -o old.wasm
run component new main.wasm --adapt old.wasm -o grow.wasm
code 0
run --invoke 'calc()' grow.wasm
code 0
stdout 42

begin "an adapter that imports no memory needs none"
cat >plain.wat <<'EOF'
(module
  (import "old" "twice" (func $twice (param i32) (result i32)))
  (func (export "calc") (result i32) (call $twice (i32.const 4))))
EOF
cat >shift.wat <<'EOF'
(module (func (export "twice") (param i32) (result i32) (i32.shl (local.get 0) (i32.const 1))))
EOF
run component embed calc.wit plain.wat -w main -o plain.wasm
run component embed calc.wit shift.wat -w adapter -o shift.wasm
run component new plain.wasm --adapt old=shift.wasm -o plain.out.wasm
code 0
run --invoke 'calc()' plain.out.wasm
stdout 8
run component new plain.wasm --adapt old=old.wasm -o x.wasm
code 1
err_has "the module does not export its memory as \`memory\`, which old needs"

begin "an import of a version that no world names is served by a compatible one"
cat >later.wit <<'EOF'
package a:later@0.2.12;
interface api { f: func() -> u32; }
world main { import api; export run: func() -> u32; }
EOF
for v in 0.2.6 0.3.0; do
    cat >later.wat <<EOF
(module
  (import "a:later/api@$v" "f" (func \$f (result i32)))
  (func (export "run") (result i32) (call \$f)))
EOF
    run component embed later.wit later.wat -o later.wasm
    run component new later.wasm -o "later-$v.wasm"
done
code 1
err_has "imports the function \`f\` of \`a:later/api@0.3.0\`, which is not in its world"
run component wit later-0.2.6.wasm
code 0
out_has "import a:later/api@0.2.12;"

begin "standard names"
cat >standard.wit <<'EOF'
package a:std@0.2.7;
interface api { resource r { constructor(s: string); get: func() -> string; } }
world main {
  import log: func(s: string);
  import api;
  export api;
  export len: func(s: string) -> u32;
}
EOF
cat >standard.wat <<'EOF'
(module
  (import "cm32p2" "log" (func $log (param i32 i32)))
  (import "cm32p2|a:std/api@0.2" "[constructor]r" (func (param i32 i32) (result i32)))
  (import "cm32p2|a:std/api@0.2" "r_drop" (func (param i32)))
  (import "cm32p2|_ex_a:std/api@0.2" "r_new" (func $new (param i32) (result i32)))
  (memory (export "cm32p2_memory") 1)
  (global $done (mut i32) (i32.const 0))
  (func (export "cm32p2_initialize") (global.set $done (i32.const 100)))
  (func (export "cm32p2_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "cm32p2|a:std/api@0.2|[constructor]r") (param i32 i32) (result i32) (call $new (i32.const 1)))
  (func (export "cm32p2|a:std/api@0.2|[method]r.get") (param i32) (result i32) (i32.const 8))
  (func (export "cm32p2|a:std/api@0.2|[method]r.get_post") (param i32))
  (func (export "cm32p2|a:std/api@0.2|r_dtor") (param i32))
  (func (export "cm32p2||len") (param i32 i32) (result i32)
    (i32.add (global.get $done) (local.get 1))))
EOF
run component embed standard.wit standard.wat -o standard.wasm
run component new standard.wasm -o standard.out.wasm
code 0
run component wit standard.out.wasm
out_has "export a:std/api@0.2.7;"
run component print standard.out.wasm
out_has "(post-return"
out_has "(dtor"
sed '/"cm32p2" "log"/d; /api@0.2/d' standard.wat >len.wat
sed 's/import .*;//; s/export api;//; /^$/d' standard.wit >len.wit
run component embed len.wit len.wat -o len.wasm
run component new len.wasm -o len.out.wasm
code 0
run --invoke 'len("four")' len.out.wasm
stdout 104

begin "a dummy has all that a world asks for"
cat >dummy.wit <<'EOF'
package a:dummy;
interface api {
  resource r { constructor(s: string); get: func() -> string; make: static func() -> option<r>; }
  big: func(a: u64, b: f32, c: f64, d: string, e: string, f: string, g: string, h: string,
            i: string, j: string) -> tuple<u8, u8>;
}
world main {
  resource mine { constructor(); }
  record unused { x: u32 }
  import api;
  import log: func(s: string) -> list<u8>;
  import inner: interface { f: func(x: option<u8>); }
  export api;
  export len: func(s: string) -> u32;
}
world later { import f: async func(); }
EOF
run component embed --dummy dummy.wit -w main -o dummy.wasm
code 0
run component inspect dummy.wasm
out_has "func   \$root [resource-drop]mine"
out_has "func   [export]a:dummy/api [resource-new]r"
run component new dummy.wasm -o dummy.out.wasm
code 0
run component targets dummy.wit dummy.out.wasm -w main
code 0
run component wit dummy.out.wasm
out_has "record unused {"
run component embed --dummy dummy.wit -w later -o x.wasm
code 1
err_has "\`f\` is asynchronous"
run component embed --dummy dummy.wit dummy.wasm -w main
code 2
run component embed dummy.wit -w main
code 2
err_has "which module? \`--dummy\` makes one that does nothing"

begin "an import that only an adapter could serve"
run component new main.wasm -o x.wasm
code 1
err_has "imports the function \`twice\` of \`old\`, which is not in its world"

begin "imports of compatible versions become one"
for v in 0 4; do
    mkdir -p "versions/deps/v$v"
    cat >"versions/deps/v$v/v.wit" <<EOF
package a:dep@0.2.$v;
interface api { resource thing; make: func() -> thing; f$v: func(t: borrow<thing>); }
EOF
done
cat >versions/main.wit <<'EOF'
package a:versions;
world w { import a:dep/api@0.2.0; import a:dep/api@0.2.4; }
EOF
cat >versions.wat <<'EOF'
(module
  (import "a:dep/api@0.2.0" "make" (func (result i32)))
  (import "a:dep/api@0.2.0" "f0" (func (param i32)))
  (import "a:dep/api@0.2.4" "f4" (func (param i32)))
  (import "a:dep/api@0.2.4" "[resource-drop]thing" (func (param i32))))
EOF
run component embed versions versions.wat -o v.wasm
code 0
run component new v.wasm -o merged.wasm
code 0
run component wit merged.wasm
expect test "$(grep -c 'import a:dep' .out)" = 1
out_has "import a:dep/api@0.2.4;"
out_has "f0: func"
out_has "f4: func"
run component new v.wasm --merge-imports-based-on-semver=n -o apart.wasm
code 0
run component wit apart.wasm
expect test "$(grep -c 'import a:dep' .out)" = 2

begin "every type and function, in binary form and back"
cat >every.wit <<'EOF'
package a:every@0.1.0-rc.1;

interface base {
  record point {
    x: u32,
    y: f64,
  }

  resource blob {
    constructor(size: u64);
    read: func(at: u64) -> result<list<u8>, string>;
    join: static func(a: blob, b: borrow<blob>) -> option<blob>;
  }
}

interface all {
  use base.{point, blob as chunk};

  variant v {
    none,
    one(point),
    many(list<chunk>),
  }

  enum e {
    a,
    b,
  }

  flags f {
    read,
    write,
  }

  type alias = v;

  type ints = tuple<s8, u8, s16, u16, s32, u32, s64, u64>;

  type others = tuple<bool, f32, f64, char, string>;

  type results = tuple<result, result<u8>, result<_, u8>, result<u8, e>>;

  type table = map<string, u32>;

  type four = list<u8, 4>;

  type later = future<stream<u8>>;

  fallible: func(a: alias) -> result<ints, others>;

  wait: async func(f: f) -> table;

  lend: func(c: borrow<chunk>, d: results);
}

world w {
  import base;
  import all;
  import local: interface {
    use base.{point};

    go: func(p: point) -> point;
  }
  export run: func(of: string) -> list<tuple<u32, option<string>>>;
  export all;
}
EOF
run component wit every.wit -w -o every.wasm
code 0
run component validate --all-features every.wasm
code 0
run component wit every.wasm
code 0
expect cmp -s .out every.wit

begin "the same result in Wasmtime"
real=$(command -v "${WASMTIME_REAL:-wasmtime}")
if [ -n "$real" ]; then
    for file in greet:'greet("you")' calc:'calc()'; do
        run --invoke "${file#*:}" "${file%%:*}.wasm"
        cp .out ours
        "$real" run --invoke "${file#*:}" "${file%%:*}.wasm" >theirs 2>&1
        expect cmp -s ours theirs
    done
else
    echo "skip $topic: no other wasmtime (WASMTIME_REAL)"
fi

begin "what does not fit is told"
run component new greet.wat -o x.wasm
code 1
err_has "no \`component-type\` section"
run component embed wit full.wat -w shop -o embedded.wasm
run component new embedded.wasm -o x.wasm
code 1
err_has "imports"
err_has "not in its world"
run component embed wit greet.wat -w full -o embedded.wasm
run component new embedded.wasm -o x.wasm
code 1
err_has "the world exports the function \`size\`, but the module does not"
expect test ! -e x.wasm
run component new greet.wasm -o x.wasm
code 1
err_has "a core module is needed here, this is a component"

finish
