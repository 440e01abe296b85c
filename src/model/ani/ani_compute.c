/* A step: neighbours, descriptors, networks forward and backward, forces. Each part is divided
 * among the threads of the team: atoms by number, networks in units of one member and one group of
 * blocks.
 *
 * Every thread has gradients and forces of its own, which are added in the order of threads:
 * results repeat bit for bit with one number of threads, and the energy with any. */
#include "model/ani/ani_model.h"

#include <stdlib.h>
#include <string.h>

#ifdef __x86_64__
#include <xmmintrin.h>
#endif

/* ---- the plan ---- */

/* As many whole groups as there are, and no single block left over where two groups of two do. */
static int take_blocks(int left)
{
    if (left == ANI_GROUP_BLOCKS + 1)
        return (left + 1) / 2;
    return left > ANI_GROUP_BLOCKS ? ANI_GROUP_BLOCKS : left;
}

static void list_groups(ani *self)
{
    const ani_list *list = &self->list;

    self->groups = 0;
    for (int e = 0; e < list->atoms.live; ++e) {
        const int first = list->blocks[e], end = list->blocks[e + 1];

        for (int b = first, take; b < end; b += take) {
            take = take_blocks(end - b);
            self->group[self->groups++] =
                (ani_group){.element = e,
                            .first = b,
                            .blocks = take,
                            .atoms = list->count[e] - (b - first) * list->lanes};
        }
    }
}

/* Products of one unit. */
static double unit_cost(const ani *self, int unit)
{
    const ani_group *group = &self->group[unit % self->groups];
    const ani_packed *net = &self->pack.net[unit / self->groups][group->element];
    double products = 0.0;

    for (int l = 0; l < net->layers; ++l)
        products += (double)net->in[l] * net->out[l];
    return products * group->blocks;
}

/* Equal shares of the work, members first: a thread then streams few networks. */
static void share_units(ani *self)
{
    const int units = self->members * self->groups, threads = mds_team_size(self->team);
    double total = 0.0, sum = 0.0;
    int t = 0;

    for (int u = 0; u < units; ++u)
        total += unit_cost(self, u);
    self->unit_start[0] = 0;
    for (int u = 0; u < units; ++u) {
        const double cost = unit_cost(self, u);

        while (t + 1 < threads && sum + 0.5 * cost > total * (t + 1) / threads)
            self->unit_start[++t] = u;
        sum += cost;
    }
    while (t < threads)
        self->unit_start[++t] = units;
}

static size_t padded(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static mds_status reserve(ani *self)
{
    mds_device *device = self->base.device;
    const ani_atoms *atoms = &self->list.atoms;
    const size_t threads = (size_t)mds_team_size(self->team);
    const size_t slots = (size_t)self->list.blocks[atoms->live] * (size_t)self->list.lanes;
    size_t reals = 0;
    mds_status status;

    for (int m = 0; m < self->members; ++m)
        for (int e = 0; e < atoms->live; ++e) {
            const size_t need = self->kernel->group_reals(&self->pack.net[m][e]);

            reals = need > reals ? need : reals;
        }
    self->grad_stride = padded(slots * (size_t)atoms->features * self->kernel->real_size);
    self->h_stride = padded(reals * self->kernel->real_size);
    MDS_TRY(
        mds_device_reserve(device, self->grad_stride, "ani descriptors", &self->g, &self->g_bytes));
    MDS_TRY(mds_device_reserve(device, threads * self->grad_stride, "ani gradients", &self->grad,
                               &self->grad_bytes));
    MDS_TRY(mds_device_reserve(device, threads * self->h_stride, "ani activations", &self->h,
                               &self->h_bytes));
    MDS_TRY(mds_device_reserve(device, (threads - 1) * (size_t)atoms->n * 3 * sizeof(double),
                               "ani forces", &self->f, &self->f_bytes));
    /* Slots without an atom are computed too, and must stay finite. */
    status = mds_device_fill(device, self->g, 0, self->grad_stride);
out:
    return status;
}

mds_status ani_plan_step(ani *self)
{
    const size_t blocks = (size_t)self->list.blocks[self->list.atoms.live];
    const size_t units = blocks * (size_t)self->members;

    free(self->group);
    free(self->unit_energy);
    free(self->unit_start);
    self->group = calloc(blocks + 1, sizeof *self->group);
    self->unit_energy = calloc(units + 1, sizeof *self->unit_energy);
    self->unit_start = calloc((size_t)mds_team_size(self->team) + 1, sizeof *self->unit_start);
    if (!self->group || !self->unit_energy || !self->unit_start)
        return mds_fail(MDS_ERR_NOMEM, "ani: no memory for the plan of a step");
    list_groups(self);
    share_units(self);
    return reserve(self);
}

/* ---- one step ---- */

/* What the threads of a step share. */
typedef struct step {
    ani *self;
    double *f; /* (n,3) of the state */
    ani_extent extent[ANI_THREADS_MAX];
    size_t scratch_stride;
    double strain[ANI_THREADS_MAX][3][3];
} step;

/* Gaussians underflow all the time; in float32 numbers below 1e-38 are taken as zero, which is
 * exact enough and a hundred times faster. Returns what to give to restore(). */
static unsigned flush_tiny(const ani *self)
{
#ifdef __x86_64__
    const unsigned mode = _mm_getcsr();

    if (self->kernel->real_size == sizeof(float))
        _mm_setcsr(mode | 0x8040);
    return mode;
#else
    (void)self;
    return 0;
#endif
}

static void restore(unsigned mode)
{
#ifdef __x86_64__
    _mm_setcsr(mode);
#else
    (void)mode;
#endif
}

static int share(const ani *self, int count, int t)
{
    return (int)((int64_t)count * t / mds_team_size(self->team));
}

static double *forces_of(const step *s, int t)
{
    const size_t n = (size_t)s->self->list.atoms.n;

    return t == 0 ? s->f : (double *)s->self->f + (size_t)(t - 1) * n * 3;
}

static void filter_share(void *context, int t)
{
    step *s = context;
    ani *self = s->self;
    const int n = self->list.atoms.n;

    self->kernel->filter(&self->list.atoms, self->neighbors->xe, share(self, n, t),
                         share(self, n, t + 1), &s->extent[t]);
}

static void describe_share(void *context, int t)
{
    step *s = context;
    ani *self = s->self;
    const int n = self->list.atoms.n;
    const unsigned mode = flush_tiny(self);

    self->kernel->describe(&self->list.atoms, &s->extent[0], share(self, n, t),
                           share(self, n, t + 1), (char *)self->scratch + t * s->scratch_stride,
                           self->g);
    restore(mode);
}

/* The components are those of the first thread. */
static void network_share(void *context, int t)
{
    step *s = context;
    ani *self = s->self;
    const ani_kernel *kernel = self->kernel;
    mds_regions *regions = t == 0 ? self->base.regions : NULL;
    const size_t block = (size_t)self->list.lanes * (size_t)self->pack.features * kernel->real_size;
    char *grad = (char *)self->grad + (size_t)t * self->grad_stride;
    char *h = (char *)self->h + (size_t)t * self->h_stride;
    const unsigned mode = flush_tiny(self);

    for (int u = self->unit_start[t]; u < self->unit_start[t + 1]; ++u) {
        const ani_group *group = &self->group[u % self->groups];
        const ani_packed *net = &self->pack.net[u / self->groups][group->element];
        const size_t at = (size_t)group->first * block;
        const bool again = u - self->groups >= self->unit_start[t];

        mds_region_begin(regions, MDS_REGION_NETWORK);
        self->unit_energy[u] =
            kernel->forward(net, group->blocks, group->atoms, (char *)self->g + at, h);
        mds_region_end(regions, MDS_REGION_NETWORK);
        mds_region_begin(regions, MDS_REGION_NETWORK_BACKWARD);
        kernel->backward(net, group->blocks, h, again, grad + at);
        mds_region_end(regions, MDS_REGION_NETWORK_BACKWARD);
    }
    restore(mode);
}

/* Whether thread t has written the gradients of group g. */
static bool touched(const ani *self, int t, int g)
{
    const int start = self->unit_start[t], end = self->unit_start[t + 1];
    const int next = start + ((g - start) % self->groups + self->groups) % self->groups;

    return next < end;
}

/* Gradients of a share of the groups, over the threads into the first thread's. */
static void gather_gradients(void *context, int t)
{
    ani *self = ((step *)context)->self;
    const size_t block = (size_t)self->list.lanes * (size_t)self->pack.features;
    const size_t size = self->kernel->real_size;

    for (int g = share(self, self->groups, t); g < share(self, self->groups, t + 1); ++g) {
        const size_t at = (size_t)self->group[g].first * block * size;
        const size_t count = (size_t)self->group[g].blocks * block;
        void *to = (char *)self->grad + at;
        bool first = !touched(self, 0, g);

        for (int other = 1; other < mds_team_size(self->team); ++other) {
            const void *from = (char *)self->grad + (size_t)other * self->grad_stride + at;

            if (!touched(self, other, g))
                continue;
            if (first)
                memcpy(to, from, count * size);
            else if (size == sizeof(float))
                for (size_t k = 0; k < count; ++k)
                    ((float *)to)[k] += ((const float *)from)[k];
            else
                for (size_t k = 0; k < count; ++k)
                    ((double *)to)[k] += ((const double *)from)[k];
            first = false;
        }
    }
}

static void force_share(void *context, int t)
{
    step *s = context;
    ani *self = s->self;
    const int n = self->list.atoms.n;
    double *f = forces_of(s, t);
    const unsigned mode = flush_tiny(self);

    memset(f, 0, (size_t)n * 3 * sizeof *f);
    memset(s->strain[t], 0, sizeof s->strain[t]);
    self->kernel->forces(&self->list.atoms, &s->extent[0], share(self, n, t), share(self, n, t + 1),
                         (char *)self->scratch + t * s->scratch_stride, self->grad,
                         self->neighbors->owner, f, s->strain[t]);
    restore(mode);
}

static mds_status describe(step *s)
{
    ani *self = s->self;
    const int threads = mds_team_size(self->team);
    ani_extent *all = &s->extent[0];

    mds_team_run(self->team, filter_share, s);
    for (int t = 1; t < threads; ++t) {
        all->span = s->extent[t].span > all->span ? s->extent[t].span : all->span;
        all->triples = s->extent[t].triples > all->triples ? s->extent[t].triples : all->triples;
        all->edges += s->extent[t].edges;
    }
    s->scratch_stride = padded(self->kernel->scratch_bytes(&self->list.atoms, all));
    const mds_status status = mds_device_reserve(self->base.device,
                                                 (size_t)threads * s->scratch_stride, "ani scratch",
                                                 &self->scratch, &self->scratch_bytes);
    if (status == MDS_OK)
        mds_team_run(self->team, describe_share, s);
    return status;
}

static double run_networks(step *s)
{
    ani *self = s->self;
    double total = 0.0;

    mds_team_run(self->team, network_share, s);
    for (int m = 0; m < self->members; ++m) {
        double energy = 0.0;

        for (int g = 0; g < self->groups; ++g)
            energy += self->unit_energy[m * self->groups + g];
        self->member_energy[m] = energy * self->members;
        total += energy;
    }
    return total;
}

static void find_forces(step *s, double strain[3][3])
{
    ani *self = s->self;
    const size_t count = (size_t)self->list.atoms.n * 3;

    if (mds_team_size(self->team) > 1)
        mds_team_run(self->team, gather_gradients, s);
    mds_team_run(self->team, force_share, s);
    memcpy(strain, s->strain[0], sizeof s->strain[0]);
    for (int t = 1; t < mds_team_size(self->team); ++t) {
        const double *f = forces_of(s, t);

        for (size_t k = 0; k < count; ++k)
            s->f[k] += f[k];
        for (int k = 0; k < 9; ++k)
            strain[k / 3][k % 3] += s->strain[t][k / 3][k % 3];
    }
}

mds_status ani_compute(mds_model *model, mds_state *state, unsigned want)
{
    ani *self = (ani *)model;
    step s = {.self = self, .f = state->f};
    double strain[3][3];
    mds_status status;

    mds_region_begin(model->regions, MDS_REGION_NEIGHBOR);
    status = mds_neighbor_update(self->neighbors, state);
    if (status == MDS_OK)
        status = ani_list_refresh(&self->list, model->device, self->neighbors);
    mds_region_end(model->regions, MDS_REGION_NEIGHBOR);
    if (status != MDS_OK)
        return status;
    mds_region_begin(model->regions, MDS_REGION_DESCRIPTOR);
    status = describe(&s);
    mds_region_end(model->regions, MDS_REGION_DESCRIPTOR);
    if (status != MDS_OK)
        return status;
    const double energy = run_networks(&s);
    mds_region_begin(model->regions, MDS_REGION_FORCES);
    find_forces(&s, strain);
    for (int a = 0; a < 3 && want & MDS_WANT_VIRIAL; ++a)
        for (int b = 0; b < 3; ++b)
            state->s->virial_eV[a][b] = -0.5 * (strain[a][b] + strain[b][a]);
    state->s->potential_eV = energy + self->self_energy;
    state->s->n_edges = (double)s.extent[0].edges;
    mds_region_end(model->regions, MDS_REGION_FORCES);
    return MDS_OK;
}
