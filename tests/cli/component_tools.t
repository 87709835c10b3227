# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# `component parse`, `print`, `validate`, `strip`, `targets` and `inspect`, and `wit` on real components.
. "$top/tests/cli/lib.sh"

cat >core.wat <<'EOF'
(module $core
  (import "env" "log" (func $log (param i32)))
  (memory (export "memory") 1)
  (func $go (export "go") (call $log (i32.const 1)))
  (@custom "extra" "bytes")
  (@custom "producers" "\01\08language\01\01C\0223"))
EOF
cat >hello.wat <<'EOF'
(component
  (core module (func (export "f") (result i32) (i32.const 5)) (@custom "extra" "x"))
  (core instance $i (instantiate 0))
  (func (export "five") (result u32) (canon lift (core func $i "f"))))
EOF

begin "text to binary and back"
run component parse core.wat -o core.wasm
code 0
run component print core.wasm -o again.wat
code 0
run component parse again.wat -o again.wasm
code 0
expect cmp -s core.wasm again.wasm
run component parse hello.wat -o hello.wasm
code 0
run --invoke 'five()' hello.wasm
stdout 5

begin "a component as text, which parses to the same"
run component print hello.wasm -o first.wat
code 0
run component print first.wat
code 0
expect cmp -s .out first.wat
out_has '(canon lift (core func 0))'
run --invoke 'five()' first.wat
stdout 5

begin "a text that is wrong shows where"
echo '(module (func (export "f") (bogus)))' >wrong.wat
run component parse wrong.wat -o wrong.wasm
code 1
err_has "wrong.wat:1:29"
expect test ! -e wrong.wasm
: >empty.wat
run component parse empty.wat
code 1
err_has "empty.wat:1:1"
err_has "expected at least one module field"

begin "validation of text and binaries"
run component validate core.wasm hello.wasm core.wat
code 0
stdout ""
stderr ""
echo '(module (func (result i32)))' >invalid.wat
run component validate invalid.wat
code 1
err_has "\`invalid.wat\` is not valid"
head -c 60 core.wasm >short.wasm
run component validate short.wasm
code 1

begin "what is in a binary"
run component inspect hello.wasm
code 0
out_has "core module"
out_has 'custom "extra"'
out_has "func      five"
run component inspect core.wasm
out_has "func   env log"
out_has "language: C 23"
run component inspect short.wasm
code 1
err_has "is longer than the file"

begin "custom sections go, names stay unless all goes"
run component strip hello.wasm -o bare.wasm
code 0
run component inspect bare.wasm
expect test "$(grep -c extra .out)" = 0
run --invoke 'five()' bare.wasm
stdout 5
run component strip core.wasm -o names.wasm
run component inspect names.wasm
out_has 'custom "name"'
run component strip --all core.wasm -o bare.wasm
run component inspect bare.wasm
expect test "$(grep -c custom .out)" = 0
run component strip -d extra core.wasm -o some.wasm
run component inspect some.wasm
expect test "$(grep -c extra .out)" = 0
out_has 'custom "producers"'

begin "WIT as JSON"
cat >all.wit <<'EOF'
package a:all@0.1.0;
/// what i is
interface i {
  record r { x: u32 }
  resource s { get: func(r: r) -> result<_, string>; }
  type t = tuple<u8, option<s>>;
  f: func(a: borrow<s>) -> list<t>;
}
world w { import i; export run: func(); }
EOF
run component wit all.wit --json
code 0
command -v python3 >/dev/null && expect python3 -c '
import json
d = json.load(open(".out"))
i = d["interfaces"][0]
assert [*d] == ["worlds", "interfaces", "types", "packages"]
assert i["docs"]["contents"] == "what i is" and i["name"] == "i", i
t = d["types"][i["types"]["t"]]
assert t["kind"]["tuple"]["types"][0] == "u8" and t["owner"] == {"interface": 0}, t
f = i["functions"]["f"]
assert d["types"][f["params"][0]["type"]]["kind"] == {"handle": {"borrow": i["types"]["s"]}}, f
assert i["functions"]["[method]s.get"]["kind"] == {"method": i["types"]["s"]}
assert d["worlds"][0]["exports"]["run"]["function"]["kind"] == "freestanding"
assert d["packages"] == [{"name": "a:all@0.1.0", "interfaces": {"i": 0}, "worlds": {"w": 0}}]'

begin "whether a component fits a world"
cat >worlds.wit <<'EOF'
package a:b;
world good { import other: func(); export five: func() -> u32; }
world bad { export five: func() -> string; }
world more { export five: func() -> u32; export six: func(); }
EOF
run component targets worlds.wit hello.wasm -w good
code 0
run component targets worlds.wit hello.wasm -w bad
code 1
err_has "\`hello.wasm\` does not fit the world \`a:b/bad\`"
err_has "five"
run component targets worlds.wit hello.wasm -w more
code 1
err_has "the component imports what the world does not:
  other
the world exports what the component does not:
  six"
run component targets worlds.wit hello.wasm
code 1
err_has "There are 3 worlds in \`a:b\`; choose one:"
run component targets worlds.wit core.wasm -w good
code 1
err_has "only components have a world"

begin "an instance type that stands for two interfaces is no WIT"
cat >two.wat <<'EOF'
(component
  (type (component
    (type (component
      (type (instance
        (type (record (field "x" u32)))
        (export "p" (type (eq 0)))))
      (import "a:b/t" (instance (type 0)))
      (export "a:b/o" (instance (type 0)))))
    (export "a:b/w" (component (type 0)))))
  (export "w" (type 0)))
EOF
run component wit two.wat -w -o two.wasm
code 1
err_has "\`p\` belongs to two interfaces"

if [ -d "${WASMTIME_SUITES:-}/components" ]; then
    for file in "$WASMTIME_SUITES"/components/*.wasm "$WASMTIME_SUITES"/sightglass/cm-*/*.wasm; do
        [ -f "$file" ] || continue
        begin "WIT of $(basename "$file"), which reads back as the same"
        run component wit "$file"
        code 0
        cp .out first.wit
        run component wit first.wit -w -o first.wasm
        code 0
        run component wit first.wit
        code 0
        expect cmp -s .out first.wit
        run component print "$file" -o first.wat
        code 0
        run component parse first.wat -o again.wasm
        code 0
        run component print again.wasm
        expect cmp -s .out first.wat
        run component strip --all "$file" -o bare.wasm
        code 0
        run component validate bare.wasm
        code 0
        run component wit bare.wasm
        expect cmp -s .out first.wit
    done
else
    echo "skip $topic: WASMTIME_SUITES has no components"
fi

begin "a component need not name the types of other interfaces that it uses, WIT must"
cat >names.wat <<'EOF'
(component
  (import "a:b/x" (instance $x (export "r" (type (sub resource)))
    (type $s (record (field "a" u8))) (export "rec" (type (eq $s)))))
  (alias export $x "r" (type $r))
  (alias export $x "rec" (type $rec))
  (import "r" (func (param "x" (own $r)) (result $rec)))
  (import "a:b/y" (instance
    (alias outer 1 $r (type $r2))
    (alias outer 1 $rec (type $rec2))
    (export "q" (type (eq $r2)))
    (export "f" (func (param "x" (own $r2)) (param "y" (borrow $r2))))
    (export "rec" (func (param "x" $rec2))))))
EOF
run component wit names.wat
code 0
out_has 'use a:b/x.{r as x-r, rec};'
out_has 'import r: func(x: x-r) -> rec;'
out_has 'use x.{r as q, rec as x-rec};'
out_has 'f: func(x: q, y: borrow<q>);'
out_has 'rec: func(x: x-rec);'
cp .out names.wit
run component wit names.wit
code 0
expect cmp -s .out names.wit

begin "an interface under several names, each with types of its own"
cat >several.wit <<'EOF'
package a:b@1.0.0;
interface store { get: func(k: string) -> option<string>; resource r { constructor(); m: func(); } }
interface t { use store.{r}; f: func(x: r); }
world w {
  import store;
  import primary: store;
  /// The other one.
  import secondary: store;
  export backup: store;
  export other: t;
}
world renamed { include w with { primary as first, backup as copy } }
EOF
run component wit several.wit
code 0
out_has 'import primary: store;'
out_has 'import first: store;'
out_has 'export other: t;'
cp .out several.txt
run component wit several.wit -w -o several.wasm
code 0
run component wit several.wasm
code 0
expect cmp -s .out several.txt
run component wit several.wit --json
cp .out several.json
run component wit several.wasm --json
for what in '"id": 0' '"id": 1' '"name": "store"' '"name": "r"' contents; do
    expect test "$(grep -c "$what" .out)" = "$(grep -c "$what" several.json)"
done
expect test "$(grep -c '"name": "store"' .out)" = 1
cat >several.wat <<'EOF'
(module
  (import "primary" "get" (func (param i32 i32 i32)))
  (import "secondary" "[constructor]r" (func (result i32)))
  (import "secondary" "[resource-drop]r" (func (param i32)))
  (import "[export]backup" "[resource-new]r" (func (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
  (func (export "backup#get") (param i32 i32) (result i32) unreachable)
  (func (export "backup#[constructor]r") (result i32) unreachable)
  (func (export "backup#[method]r.m") (param i32) unreachable)
  (func (export "other#f") (param i32) unreachable))
EOF
run component embed several.wit several.wat -w w -o several.core.wasm
code 0
run component new several.core.wasm -o several.out.wasm
code 0
run component print several.out.wasm
for what in '(import "primary" (implements "a:b/store@1.0.0")' '(import "secondary" (implements "a:b/store@1.0.0")' \
    '"backup" (implements "a:b/store@1.0.0")' '"other" (implements "a:b/t@1.0.0")'; do
    out_has "$what"
done
run component wit several.out.wasm
code 0
out_has 'import secondary: a:b/store@1.0.0;'
out_has 'export other: a:b/t@1.0.0;'
run component targets several.wit several.out.wasm -w w
code 0
cat >inline.wat <<'EOF'
(component
  (import "one" (instance $o (export "r" (type (sub resource)))))
  (alias export $o "r" (type $r))
  (import "a:b/y" (instance (export "q" (type (eq $r))) (export "f" (func (param "x" (own $r)))))))
EOF
run component wit inline.wat
code 1
err_has '`q` is the type `r` of an interface without a full name: WIT cannot express it'

begin "a world turned round"
cat >turn.wit <<'EOF'
package a:b@1.0.0;
interface t { type x = u32; }
interface i { use t.{x}; f: func(y: x); }
interface j { use i.{x}; h: func() -> x; }
world w {
  use t.{x};
  record rr { a: x }
  import log: func(s: string);
  import i;
  export j;
  export run: func(r: rr) -> x;
  export k: interface { z: func(); }
}
EOF
run component wit turn.wit --importize-world w
code 0
out_has 'world w-importized {'
for what in 'import t;' 'import i;' 'import j;' 'import k: interface {' 'import run: func(r: rr) -> x;'; do
    out_has "$what"
done
expect test "$(grep -c 'export\|log' .out)" = 0
cp .out turned.wit
run component wit turned.wit
code 0
expect cmp -s .out turned.wit
run component wit turn.wit --exportize --exportize-out-world-name served
code 0
out_has 'world served {'
for what in 'export t;' 'export i;' 'export log: func(s: string);' 'use t.{x};'; do
    out_has "$what"
done
expect test "$(grep -c 'run\|export k\|export j' .out)" = 0
run component wit turn.wit --exportize --exportize-import a:b/i@1.0.0 -w -o turned.wasm
code 0
run component wit turned.wasm
out_has 'export i;'
out_has 'import log: func(s: string);'
run component wit turn.wit --exportize --exportize-import a:b/j@1.0.0
code 1
err_has 'world `w` does not import `a:b/j@1.0.0`'
run component wit turn.wit --importize --importize-out-world-name j
code 1
err_has 'there is an interface `j` already'
run component wit turn.wit --importize --exportize
code 2
run component parse hello.wat -o hello.wasm
run component wit hello.wasm --importize
out_has 'world root-importized {'
out_has 'import five: func() -> u32;'

begin "proposals to validate with"
echo '(module (func (param v128)))' >vector.wat
run component validate --features=mvp vector.wat
code 1
err_has 'v128'
run component validate --features=mvp,simd vector.wat
code 0
run component validate --features=wasm3 --features=-simd,-relaxed-simd vector.wat
code 1
run component validate --features=mvp hello.wat
code 1
err_has 'the features are without `component-model`'
run component validate --features=cm-async hello.wat
code 0
run component validate --features=typo hello.wat
code 2
err_has 'there is no proposal `typo`; these are: component-model, '

begin "a dummy with standard names, and the world alone"
for names in legacy standard32; do
    run component embed several.wit -w w --dummy-names $names -o dummy.wasm
    code 0
    run component new dummy.wasm -o dummy.out.wasm
    code 0
    run component wit dummy.out.wasm
    out_has 'export backup: a:b/store@1.0.0;'
done
run component print dummy.wasm
for what in '"cm32p2|a:b/store@1" "get"' '"cm32p2|_ex_backup" "r_new"' '"cm32p2|backup|r_dtor"' \
    '"cm32p2|backup|get_post"' '"cm32p2_memory"'; do
    out_has "$what"
done
run component embed several.wit -w w --dummy-names other
code 2
err_has 'expected legacy or standard32'
run component embed several.wit -w w --only-custom -o world.wasm
code 0
run component wit world.wasm
code 0
out_has 'import primary: store;'
run component embed several.wit several.wat -w w --only-custom
code 2
err_has 'there is no module'

begin "WIT with many resources is printed in linear time"
awk 'BEGIN { print "package a:many;\ninterface i {"
    for (i = 0; i < 60000; i++) printf "resource r%d { constructor(); m: func(); }\n", i
    print "}" }' >many.wit
(ulimit -t 8 && exec "$WASMTIME" component wit many.wit) >.out 2>.err
status=$? last="component wit many.wit"
code 0
expect test "$(grep -c 'constructor();' .out)" = 60000

begin "an output keeps its mode, and a link stays a link"
echo 'package a:link; interface i {}' >small.wit
: >target.wit
chmod 600 target.wit
ln -s target.wit link.wit
ln -s later.wit dangling.wit
run component wit small.wit -o link.wit
code 0
expect test -L link.wit
expect test "$(stat -c %a target.wit)" = 600
expect grep -q 'package a:link' target.wit
run component wit small.wit -o dangling.wit
code 0
expect grep -q 'package a:link' later.wit

begin "a reader that has seen enough is no error"
printf 'package a:big;\ninterface i {\n' >big.wit
n=0
while [ $n -lt 4000 ]; do
    echo "  function-number-$n: func(a-long-name-of-a-parameter: u32);"
    n=$((n + 1))
done >>big.wit
echo '}' >>big.wit
{ "$WASMTIME" component wit big.wit 2>pipe.err; echo $? >pipe.code; } | head -n 1 >pipe.out
expect test "$(cat pipe.out)" = "package a:big;"
expect test ! -s pipe.err
expect test "$(cat pipe.code)" = 0

begin "a package in binary form keeps documentation and gates"
cat >docs.wit <<'EOF'
/// A package.
package a:docs@1.2.0;

/// An interface.
@since(version = 1.0.0)
interface i {
  /// A record.
  @since(version = 1.1.0)
  @deprecated(version = 1.1.1)
  record r {
    /// A field.
    a: u32,
  }

  /// A resource.
  @unstable(feature = res)
  resource res {
    /// Made of nothing.
    @unstable(feature = res)
    constructor();
  }

  /// Says "a\\b".
  /// Twice.
  say: func();
}

/// A world.
@since(version = 1.2.0)
world w {
  /// Imported.
  @since(version = 1.2.0)
  import i;
  @unstable(feature = inner)
  import written: interface {
    /// Inside.
    f: func();
  }
  /// A type.
  type t = u8;

  /// A function.
  import g: func();

  /// Exported.
  @since(version = 1.1.0)
  export g: func();
}
EOF
run component wit docs.wit --all-features
code 0
cp .out docs.txt
out_has '/// A field.'
run component wit docs.wit --all-features -w -o docs.wasm
code 0
run component wit docs.wasm
code 0
expect cmp -s .out docs.txt
run component wit docs.wit --all-features --json
cp .out docs.json
out_has '"contents": "Imported."'
run component wit docs.wasm --json
for what in contents since feature deprecated; do
    expect test "$(grep -c "\"$what\"" .out)" = "$(grep -c "\"$what\"" docs.json)"
done

begin "an interface may use another and what that uses, in any order"
cat >uses.wit <<'EOF'
package a:uses;
interface base { type t = u32; }
interface middle { use base.{t}; }
interface top { use middle.{t}; use base.{t as same}; use base.{}; f: func(x: t) -> same; }
EOF
run component wit uses.wit -w -o uses.wasm
code 0
run component wit uses.wasm
code 0
out_has "f: func(x: t) -> same;"

begin "an include may give types other names"
cat >include.wit <<'EOF'
package a:inc;
interface i { resource ext; record pt { x: u32 } }
world base {
  use i.{ext, pt};
  resource r { constructor(p: pt); m: func(o: borrow<r>) -> list<r>; st: static func() -> option<r>; }
  record rec { a: r, b: pt }
  variant v { one(rec), two(list<rec>) }
  import f: func(x: v, y: borrow<ext>) -> result<r, rec>;
  export g: func(x: r) -> option<rec>;
}
world renamed { include base with { r as s, rec as record2, f as ff, g as gg, ext as outer } }
EOF
run component wit include.wit
code 0
out_has "m: func(o: borrow<s>) -> list<s>;"
out_has "import ff: func(x: v, y: borrow<outer>) -> result<s, record2>;"
out_has "export gg: func(x: s) -> option<record2>;"
cat >include.wat <<'EOF'
(module
  (import "$root" "[constructor]s" (func (param i32) (result i32)))
  (import "$root" "[static]s.st" (func (param i32)))
  (import "$root" "[resource-drop]s" (func (param i32)))
  (import "$root" "[resource-drop]outer" (func (param i32)))
  (memory (export "memory") 1)
  (func (export "gg") (param i32) (result i32) (i32.const 8)))
EOF
run component embed include.wit include.wat -w renamed -o include.wasm
run component new include.wasm -o include.out.wasm
code 0
run component wit include.out.wasm
out_has "st: static func() -> option<s>;"

begin "documentation of what is not there is an error"
sed 's/"say"/"sax"/' docs.wasm >wrong.wasm
run component wit wrong.wasm
code 1
err_has 'the section `package-docs` tells of the function `sax`, which is not there'

begin "what is behind a feature that is off has nothing that is not"
gated() {
    printf 'package a:b;\ninterface j { type t = u32; }\n%s\n' "$1" >gated.wit
    run component wit gated.wit
    code 1
    err_has "$2"
    err_has "--> gated.wit:3:$3"
    run component wit gated.wit --all-features
    code 0
}
gated '@unstable(feature = x) interface i { type u = u32; }' 'this type is behind no feature, but `i` is' 38
gated '@unstable(feature = x) interface i { use j.{t}; }' 'this type is behind no feature, but `i` is' 38
gated '@unstable(feature = x) world w { resource r; }' 'this type is behind no feature, but `w` is' 34
gated 'interface i { @unstable(feature = x) resource r { m: func(); } }' 'this is behind no feature, but `r` is' 51
gated_well() {
    cat >gated.wit <<'END'
package a:b;
interface j { type t = u32; }
@unstable(feature = x) interface i { f: func(); @unstable(feature = x) use j.{t}; }
@unstable(feature = x) world w { import f: func(); export j; }
END
    run component wit gated.wit
    code 0
    expect test "$(grep -c 'interface\|world' .out)" = 1
}
gated_well
printf 'package a:b;\nuse c:d/w as q;\ninterface i {}\npackage c:d { world w {} }\n' >gated.wit
run component wit gated.wit
code 1
err_has '`w` is a world; only interfaces of packages can be used'

begin "gates of what an import brings along"
cat >brings.wit <<'END'
package a:b@1.0.0;
interface base { type t = u32; }
interface other { type s = u32; }
interface k { use base.{t}; f: func(x: t); }
world w { @since(version = 0.2.0) import k; @since(version = 0.3.0) use other.{s}; }
world same { include w; }
package c:d@1.0.0 { world far { include a:b/same@1.0.0; } }
END
run component wit brings.wit --json
code 0
expect test "$(grep -c '"since": "0.2.0"' .out)" = 4
expect test "$(grep -c '"since": "0.3.0"' .out)" = 3

begin "comments of lines are documentation, with what they have in common cut off"
cat >lines.wit <<'END'
package a:b;
// plain
interface i {
  //   one
  ///
  ///     two
  // three /* not a block */
  f: func();
  /* a block that is none */
  g: func();
}
END
run component wit lines.wit --json
code 0
out_has '"contents": "plain"'
out_has '"contents": "  one\n\n    two\nthree /* not a block */"'
expect test "$(grep -c contents .out)" = 2

begin "custom sections in the text of a component"
cat >custom.wat <<'END'
(component
  (core module (@custom "inner" "i"))
  (@custom "one" "a" "b\00")
  (core module)
  (component (@custom "nested"))
  (@custom "two" "c"))
END
run component inspect custom.wat
code 0
expect test "$(grep -o 'core module\|custom "[a-z]*"\|^component *|' .out | tr -s ' |\n' ',')" = \
    'core,module,custom,"inner",custom,"one",core,module,component,custom,"nested",custom,"two",'
echo '(component (@custom 1))' >custom.wat
run component parse custom.wat -o x.wasm
code 1
err_has "@custom annotation: missing section name"

begin "without a file the input is standard input"
cat >pipe.wit <<'END'
package a:b;
world w { export f: func() -> u32; }
END
piped() {
    "$WASMTIME" component embed --dummy pipe.wit -o - | "$WASMTIME" component new | "$WASMTIME" component strip |
        "$WASMTIME" component print | "$WASMTIME" component parse | "$WASMTIME" component wit -
}
piped >piped.out
expect grep -q 'export f: func() -> u32;' piped.out
expect sh -c 'echo "(component)" | "$0" component validate' "$WASMTIME"
expect sh -c '! echo "(module (func i32.add))" | "$0" component validate 2>/dev/null' "$WASMTIME"
expect sh -c 'echo "(module)" | "$0" component inspect | grep -q "module, 8 bytes"' "$WASMTIME"

begin "packages in binary form among the dependencies"
mkdir -p bin/deps/c
cat >bin/root.wit <<'END'
package a:root;
world w { import x:dep/i; import c:c/j; import x:text/k; }
END
echo 'package c:c; interface j { use d:d/m.{t}; f: func() -> t; }' >bin/deps/c/c.wit
mkdir -p dep/deps
cat >dep/dep.wit <<'END'
package x:dep;
interface i { use d:d/m.{t}; f: func(x: t); }
END
echo 'package d:d; interface m { record t { a: u8 } g: func(); }' >dep/deps/d.wit
echo 'package x:text; interface k { use d:d/m.{t}; h: func(x: t); }' >dep/text.wit
mkdir -p text/deps
cp dep/deps/d.wit text/deps/d.wit
mv dep/text.wit text/text.wit
run component wit dep -w -o bin/deps/dep.wasm
code 0
run component wit text -t -o bin/deps/text.wat
code 0
run component wit bin
code 0
out_has "import x:text/k;"
cp -r bin whole
cp dep/deps/d.wit whole/deps/d.wit
run component wit whole
code 0
echo '(component)' >bin/deps/none.wat
run component wit bin
code 1
err_has '`bin/deps/none.wat` cannot be read'
err_has 'it is a component, not a WIT package in binary form'

finish
