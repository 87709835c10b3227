(rec (type $a (sub (struct (field $x (mut i8)) (field (ref null $b))))) (type $b (array (mut f32))))
(tag $t (param i32)) (import "m" "n" (global $g (mut externref))) (start $s)
(func $s (try_table (catch $t 0) (catch_all 0) (throw $t (i32.const 1))))
(@custom "c" (after func) "x") (; c (; d ;) ;) ;; e
