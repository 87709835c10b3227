# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Calling exports: arguments, results, warnings.
. "$top/tests/cli/lib.sh"

begin "arguments and results"
run --invoke add "$data/values.wat" 40 2
code 0
stdout 42
err_has "warning: using \`--invoke\` with a function that takes arguments is experimental and may break in the future"
err_has "warning: using \`--invoke\` with a function that returns values is experimental and may break in the future"

begin "no warning without arguments and results"
run --invoke none "$data/values.wat"
code 0
stdout ""
stderr ""

begin "integers"
try() { run --invoke "$1" "$data/values.wat" "$2"; code 0; stdout "$3"; }
try i32 0x2A 42
try i32 0X2a 42
try i32 -2147483648 -2147483648
try i64 -1 -1
try i64 0x7fffffffffffffff 9223372036854775807

begin "numbers that are none"
refuse() { run --invoke "$1" "$data/values.wat" "$2"; code 1; stdout ""; }
refuse i32 ff
refuse i32 2147483648
refuse i32 0x80000000
refuse i32 -0x1
refuse i32 ""
refuse i64 9223372036854775808
refuse f32 0x1p3
refuse f64 1e

begin "floats"
try f32 1.0 1
try f32 1.1 1.1
try f64 1.1 1.1
try f64 100 100
try f64 1e21 1000000000000000000000
try f32 -3251010.25 -3251010.3
try f32 8388608.5 8388608
try f64 2251799813685249.5 2251799813685249.5
try f64 0 0
try f64 -0 -0
try f64 9.5 9.5
try f64 0.99999999999999999 1
try f64 5e-324 0.000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000005
try f64 -0.000001 -0.000001
try f32 3.4028235e38 340282350000000000000000000000000000000
try f32 1e-45 0.000000000000000000000000000000000000000000001
try f64 inf inf
try f64 -infinity -inf
try f32 nan NaN
try f64 -0 -0

begin "each result on a line"
run --invoke many "$data/values.wat"
code 0
stdout "-1
-2
1.5
1000000000000000000000
36893488147419103231
<null funcref>
<null externref>"
run --invoke func "$data/values.wat"
stdout "<funcref>"
run --invoke nan "$data/values.wat"
stdout "NaN
-inf"

begin "what cannot be called"
run --invoke nope "$data/values.wat"
code 1
err_has "no func export named \`nope\` found"
run --invoke mem "$data/values.wat"
code 1
run --invoke add "$data/values.wat" 1
code 1
err_has "not enough arguments for \`add\`"
echo '(module (func (export "_start") (param i32)))' >.param.wat
run .param.wat
code 1
err_has "    not enough arguments for command default"
run --invoke add "$data/values.wat" 1 2 x
code 0
stdout 3
run --invoke v128arg "$data/values.wat" 1
code 1
err_has "unsupported argument type"

begin "_initialize goes first, and once"
run --invoke count "$data/initialize.wat"
stdout 1

begin "the empty name goes before _start"
run "$data/empty_name.wat"
code 134

finish
