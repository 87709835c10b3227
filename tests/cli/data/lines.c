static inline __attribute__((always_inline)) int inner(int n)
{
    return 100 / n;
}
static inline __attribute__((always_inline)) int middle(int n)
{
    return inner(n - 1) + 1;
}
__attribute__((noinline)) int outer(int n)
{
    return middle(n) * 2;
}
__attribute__((export_name("run"))) int run(int n)
{
    return outer(n) + 1;
}
