/* Each mistake that the shim promises to report is reported. */
#include "gpu/shim/bad_kernels.h"
#include "gpu/shim/child.h"

static int *ints(size_t n)
{
    void *p = NULL;

    MUST(cudaMalloc(&p, n * sizeof(int)) == cudaSuccess);
    return p;
}

#define SYNC() MUST(cudaDeviceSynchronize() == cudaSuccess)

/* Memory */

static void write_past(void)
{
    bad_write(ints(10), 10);
    SYNC();
}

static void write_before(void)
{
    bad_write(ints(10), -2);
    SYNC();
}

static void host_reads(void)
{
    volatile int *p = ints(10);

    exit(p[3] == 17);
}

static void freed_argument(void)
{
    int *p = ints(10);

    cudaFree(p);
    bad_write(p, 0);
    SYNC();
}

static void freed_before_run(void)
{
    int *p = ints(10);
    cudaStream_t stream;

    MUST(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
    MUST(cudaFreeAsync(p, stream) == cudaSuccess);
    MUST(set_value(p, 1, stream) == cudaSuccess);
    cudaStreamSynchronize(stream);
}

static void fresh_is_poison(void)
{
    double x[4];
    void *p;

    MUST(cudaMalloc(&p, sizeof x) == cudaSuccess);
    MUST(cudaMemcpy(x, p, sizeof x, cudaMemcpyDeviceToHost) == cudaSuccess);
    MUST(isnan(x[0]) && isnan(x[3]));
    MUST(cudaFree(p) == cudaSuccess);
    MUST(cudaFree(p) == cudaErrorInvalidValue);
}

static void shared_is_poison(void)
{
    double x[64];
    void *p;

    MUST(cudaMalloc(&p, sizeof x) == cudaSuccess);
    MUST(bad_shared(p) == cudaSuccess);
    MUST(cudaMemcpy(x, p, sizeof x, cudaMemcpyDeviceToHost) == cudaSuccess);
    MUST(x[0] == 1.0 && isnan(x[1]) && isnan(x[63]));
}

static void memory_ends(void)
{
    void *p;
    size_t left, total;

    setenv("MDS_SHIM_MEMORY", "8", 1);
    MUST(cudaMalloc(&p, 9 << 20) == cudaErrorMemoryAllocation);
    MUST(cudaGetLastError() == cudaErrorMemoryAllocation && cudaGetLastError() == cudaSuccess);
    MUST(cudaMalloc(&p, 7 << 20) == cudaSuccess);
    MUST(cudaMemGetInfo(&left, &total) == cudaSuccess && left == 1 << 20 && total == 8 << 20);
    MUST(cudaMalloc(&p, 2 << 20) == cudaErrorMemoryAllocation);
}

static void test_memory(void **unused)
{
    (void)unused;
    child_dies(write_past, "past the end of allocation", "use-after-poison");
    child_dies(write_before, "before allocation", "use-after-poison");
    child_dies(host_reads, "the host touched device memory", NULL);
    child_dies(freed_argument, "argument 1 is", NULL);
    child_dies(freed_before_run, "freed since the launch", NULL);
    child_lives(fresh_is_poison);
    child_lives(shared_is_poison);
    child_lives(memory_ends);
}

/* Pointers and copies */

static void heap_pointer(void)
{
    bad_read(malloc(4), ints(1));
}

static void stack_pointer(void)
{
    int on_stack = 0;

    bad_read(&on_stack, ints(1));
}

static void struct_pointer(void)
{
    bad_struct(ints(1), malloc(4));
}

static void other_device(void)
{
    int *p = ints(1);

    MUST(cudaSetDevice(1) == cudaSuccess);
    bad_write(p, 0);
}

static void wrong_copies(void)
{
    int host[8] = {0}, *p = ints(4);

    MUST(cudaMemcpy(host, p, 16, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
    MUST(cudaMemcpy(p, host, 16, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
    MUST(cudaMemcpy(p, host, 20, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
    MUST(cudaMemcpy(host, p + 1, 16, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
    MUST(cudaMemset(p, 0, 17) == cudaErrorInvalidValue);
    MUST(cudaMemcpy(p, host, 16, (enum cudaMemcpyKind)9) == cudaErrorInvalidMemcpyDirection);
    MUST(cudaMemcpy(p, host, 16, cudaMemcpyHostToDevice) == cudaSuccess);
    MUST(bad_struct(p, NULL) == cudaSuccess);
    MUST(cudaMemcpy(host, p, 4, cudaMemcpyDefault) == cudaSuccess && host[0] == 7);
}

static void test_pointers(void **unused)
{
    (void)unused;
    child_dies(heap_pointer, "kernel read_kernel: argument 1 is", NULL);
    child_dies(stack_pointer, "a pointer to host memory", NULL);
    child_dies(struct_pointer, "at byte 16 of the struct is", NULL);
    child_dies(other_device, "memory of device 0", NULL);
    child_lives(wrong_copies);
}

/* Launches */

static void limits(void)
{
    MUST(wide_launch(0, 32, 0, 0) == cudaErrorInvalidConfiguration);
    MUST(wide_launch(1, 1025, 0, 0) == cudaErrorInvalidConfiguration);
    MUST(wide_launch(0x80000000u, 32, 0, 0) == cudaErrorInvalidConfiguration);
    MUST(wide_launch(1, 32, 49 << 10, 0) == cudaErrorInvalidValue);
    MUST(wide_launch(1, 32, 49 << 10, 228 << 10) == cudaErrorInvalidValue);
    MUST(wide_launch(1, 1024, 227 << 10, 227 << 10) == cudaSuccess);
    SYNC();
}

static void barriers(void)
{
    bad_barriers(ints(64));
    SYNC();
}

static void early_exit(void)
{
    bad_exit(ints(64));
    SYNC();
}

static void wrong_mask(void)
{
    bad_mask(ints(32));
    SYNC();
}

static void stuck_warp(void)
{
    bad_warp(ints(32));
    SYNC();
}

static void half_a_warp_of_matrices(void)
{
    bad_matrix(ints(32), 16, 0, NULL);
    SYNC();
}

static void matrix_off_its_place(void)
{
    bad_matrix(ints(32), 32, 4, NULL);
    SYNC();
}

static void matrix_past_its_memory(void)
{
    bad_matrix(ints(32), 32, 8, NULL);
    SYNC();
}

static void matrix_of_the_device(void)
{
    bad_matrix(ints(32), 32, 0, ints(128));
    SYNC();
}

static void orders_differ(void)
{
    int host[128], *order = ints(128), *ticket = ints(1), same = 0;

    MUST(cudaMemset(ticket, 0, sizeof(int)) == cudaSuccess);
    MUST(bad_order(ticket, order) == cudaSuccess);
    MUST(cudaMemcpy(host, order, sizeof host, cudaMemcpyDeviceToHost) == cudaSuccess);
    for (int i = 0; i < 128; ++i)
        same += host[i] == i;
    MUST(same < 128);
}

static void order_check(void)
{
    int *order = ints(128), *ticket = ints(1);

    setenv("MDS_SHIM_CHECK", "order", 1);
    MUST(cudaMemset(ticket, 0, sizeof(int)) == cudaSuccess);
    bad_order(ticket, order);
    SYNC();
}

static void order_check_allows(void)
{
    setenv("MDS_SHIM_ORDER_ALLOW", "order_kernel", 1);
    order_check();
}

static void test_launches(void **unused)
{
    (void)unused;
    child_lives(limits);
    child_dies(barriers, "its threads wait for each other", NULL);
    child_dies(early_exit, "32 thread(s) exited", NULL);
    child_dies(wrong_mask, "lacks the calling lane", NULL);
    child_dies(stuck_warp, "16 thread(s) at __shfl_sync with mask ffffffff", NULL);
    child_dies(half_a_warp_of_matrices, "not all 32 lanes", NULL);
    child_dies(matrix_off_its_place, "not aligned to 16 bytes", NULL);
    child_dies(matrix_past_its_memory, "of 512 bytes of dynamic shared memory", NULL);
    child_dies(matrix_of_the_device, "it reads shared memory", NULL);
    child_lives(orders_differ);
}

/* setenv() before the settings are read: in a process where nothing has used CUDA yet. */
static void late_order_check(void)
{
    setenv("MDS_SHIM_CHECK", "order", 1);
    order_check();
}

static void test_order_check(void **unused)
{
    (void)unused;
    child_dies(late_order_check, "depends on the order of blocks and threads", NULL);
    child_lives(order_check_allows);
}

/* Races, in the build that sees them (MDSWEEP_SHIM_RACES). */

static void *poisoned_doubles(size_t n)
{
    void *p = NULL;

    MUST(cudaMalloc(&p, n * sizeof(double)) == cudaSuccess);
    return p;
}

static void race(void)
{
    bad_race(poisoned_doubles(64), 64);
    SYNC();
}

static void no_race(void)
{
    MUST(good_race(poisoned_doubles(64), 64) == cudaSuccess);
    SYNC();
}

static void hidden_pointer(void)
{
    bad_address((uintptr_t)malloc(4));
    MUST(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
}

static void test_races(void **unused)
{
    (void)unused;
    child_lives(no_race);
#ifdef MDS_SHIM_RACES
    child_dies(race, "race: a", NULL);
    child_lives(hidden_pointer);
#else
    (void)race;
    (void)hidden_pointer;
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory),   cmocka_unit_test(test_pointers),
        cmocka_unit_test(test_launches), cmocka_unit_test(test_order_check),
        cmocka_unit_test(test_races),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
