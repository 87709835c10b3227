(module $m (memory 1) (data (i32.const 0) "a\00\u{41}") (table 2 funcref) (elem (i32.const 0) $f)
  (func $f (export "f") (param i32 f64) (result i32) (local $x i64)
    (block $b (result i32) (br_if $b (i32.const 0x1_0) (local.get 0)) drop (f32.const nan:0x1) drop
      v128.const i16x8 1 2 3 4 5 6 7 8 i8x16.extract_lane_s 3)))
