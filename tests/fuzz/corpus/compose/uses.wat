(component
  (import "a:b/types@0.2.0" (instance $t
    (export "r" (type $r (sub resource)))
    (type $p' (record (field "x" u32) (field "y" (list string)))) (export "p" (type $p (eq $p')))
    (export "[constructor]r" (func (result (own $r))))))
  (alias export $t "r" (type $r)) (alias export $t "p" (type $p))
  (import "a:b/streams@0.2.0" (instance $s
    (alias outer 1 $r (type $ro)) (export "r" (type $r (eq $ro)))
    (alias outer 1 $p (type $po)) (export "p" (type $p (eq $po)))
    (export "f" (func (param "r" (borrow $r)) (result $p)))))
  (alias export $s "f" (func $f))
  (import "p" (type $q (eq $p)))
  (import "g" (func (param "v" (option (result $q (error (tuple char f64))))))) 
  (export "a:b/streams@0.2.1" (instance $s)))
