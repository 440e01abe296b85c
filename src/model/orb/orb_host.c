/* What a step does on devices whose memory the host reaches: the graph, and what becomes of the
 * heads' numbers. Normalisers are undone in float64: energies of thousands of eV have no room in
 * float32. */
#include "model/orb/orb_model.h"
#include "model/orb/orb_rigid.h"
#include "model/orb/orb_zbl.h"

#include <string.h>

static mds_status make_graph(orb *self, mds_state *state)
{
    mds_status status;

    MDS_TRY(mds_neighbor_update(self->neighbors, state));
    MDS_TRY(orb_graph_build(&self->graph, self->team, self->neighbors));
    status = orb_reserve_edges(self, self->graph.edges);
out:
    return status;
}

/* The list and the edges grow as they need to. */
static mds_status make_room(orb *self, mds_state *state)
{
    (void)self;
    (void)state;
    return MDS_OK;
}

static double value_at(const orb *self, const void *x, size_t i)
{
    return self->real == MDS_REAL_FP32 ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

static mds_status average(const orb *self)
{
    const int n = self->graph.n;
    double sum[ORB_WIDTH] = {0.0};

    for (int i = 0; i < n; ++i)
        for (int j = 0; j < ORB_WIDTH; ++j)
            sum[j] += value_at(self, self->nodes.h, (size_t)i * ORB_WIDTH + (size_t)j);
    for (int j = 0; j < ORB_WIDTH; ++j) {
        const double mean = sum[j] / n;

        if (self->real == MDS_REAL_FP32)
            ((float *)self->nodes.mean)[j] = (float)mean;
        else
            ((double *)self->nodes.mean)[j] = mean;
    }
    return MDS_OK;
}

/* ---- heads ---- */

static void column_mean(const double *x, int n, double mean[3])
{
    memset(mean, 0, 3 * sizeof *mean);
    for (int i = 0; i < 3 * n; ++i)
        mean[i % 3] += x[i] / n;
}

/* For a molecule: the least change of f, of the form μ × ρ, after which it has no torque. */
static void remove_torque(const double *x, int n, double *f)
{
    double centre[3], m[3][3] = {{0.0}}, torque[3] = {0.0}, turn[3], square = 0.0;

    column_mean(x, n, centre);
    for (int i = 0; i < n; ++i) {
        double rho[3], part[3];

        for (int a = 0; a < 3; ++a)
            rho[a] = x[3 * i + a] - centre[a];
        orb_cross(rho, f + 3 * (size_t)i, part);
        for (int a = 0; a < 3; ++a) {
            torque[a] -= part[a];
            square += rho[a] * rho[a];
            for (int b = 0; b < 3; ++b)
                m[a][b] += rho[a] * rho[b];
        }
    }
    for (int a = 0; a < 3; ++a)
        m[a][a] -= square;
    orb_solve_symmetric(m, torque, turn);
    for (int i = 0; i < n; ++i) {
        double rho[3], change[3];

        for (int a = 0; a < 3; ++a)
            rho[a] = x[3 * i + a] - centre[a];
        orb_cross(rho, turn, change);
        for (int a = 0; a < 3; ++a)
            f[3 * i + a] += change[a];
    }
}

/* The net force is taken away before the normaliser is undone, so what is left is n·shift. */
static void finish_forces(const orb *self, mds_state *state)
{
    const orb_head *head = &self->weights.forces;
    const int n = state->n;
    double mean[3];

    for (int k = 0; k < 3 * n; ++k)
        state->f[k] = value_at(self, self->nodes.forces, (size_t)k);
    column_mean(state->f, n, mean);
    for (int k = 0; k < 3 * n; ++k)
        state->f[k] -= mean[k % 3];
    if (!state->box.periodic[0])
        remove_torque(state->x, n, state->f);
    for (int k = 0; k < 3 * n; ++k)
        state->f[k] = state->f[k] * head->scale[0] + head->shift[0];
}

/* The head's order is xx yy zz yz xz xy; stress positive in tension, W = −Vσ. Without a cell there
 * is none. */
static void finish_virial(const orb *self, mds_state *state)
{
    static const int row[6] = {0, 1, 2, 1, 0, 0}, col[6] = {0, 1, 2, 2, 2, 1};
    const orb_head *head = &self->weights.stress;

    for (int k = 0; k < 6; ++k) {
        const int which = k >= 3;
        const double stress = value_at(self, self->nodes.stress, (size_t)k) * head->scale[which] +
                              head->shift[which];
        const double virial = state->box.periodic[0] ? -stress * state->box.volume : NAN;

        state->s->virial_eV[row[k]][col[k]] = virial;
        state->s->virial_eV[col[k]][row[k]] = virial;
    }
}

static mds_status finish(orb *self, mds_state *state, unsigned want)
{
    const orb_head *head = &self->weights.energy;
    const double x = value_at(self, self->nodes.energy, 0);

    state->s->potential_eV = (x * head->scale[0] + head->shift[0]) * state->n +
                             self->reference_energy;
    state->s->n_edges = self->graph.edges;
    if (self->variant->conservative)
        return MDS_OK;
    finish_forces(self, state);
    if (want & MDS_WANT_VIRIAL)
        finish_virial(self, state);
    return MDS_OK;
}

/* ---- edges ---- */

/* Over the directed edges that there are, as in training: a pair counts twice when each is among
 * the other's nearest. Conservative models have the mean over the atoms as their energy. The direct
 * models' stress is divided by the determinant with its sign: in a left-handed cell it is the wrong
 * way round, as in the original. */
static mds_status zbl(orb *self, mds_state *state, unsigned want)
{
    const orb_graph *graph = &self->graph;
    const bool direct = !self->variant->conservative;
    double energy = 0.0, w[3][3] = {{0.0}};

    for (int e = 0; e < graph->edges; ++e) {
        const int s = graph->sender[e], r = graph->receiver[e];
        const int zs = self->nodes.number[s] + 1, zr = self->nodes.number[r] + 1;
        const double reach = self->nodes.radius[s] + self->nodes.radius[r];
        const double d = graph->distance[e], *v = graph->vector + 3 * (size_t)e;
        double slope;

        if (d >= reach)
            continue;
        energy += orb_zbl_edge(zs, zr, reach, d, &slope);
        for (int a = 0; a < 3; ++a) {
            const double force = -slope * v[a] / d; /* on the receiver */

            if (!direct) {
                self->edges.vector_grad[3 * (size_t)e + (size_t)a] -= force / graph->n;
                continue;
            }
            state->f[3 * r + a] += force;
            state->f[3 * s + a] -= force;
            for (int b = 0; b < 3; ++b)
                w[a][b] += v[b] * force;
        }
    }
    state->s->potential_eV += direct ? energy : energy / graph->n;
    if (!direct || !(want & MDS_WANT_VIRIAL))
        return MDS_OK;
    const double sign = orb_determinant((const double(*)[3])state->box.h) < 0.0 ? -1.0 : 1.0;
    for (int k = 0; k < 9; ++k)
        state->s->virial_eV[k / 3][k % 3] += sign * 0.5 * (w[k / 3][k % 3] + w[k % 3][k / 3]);
    return MDS_OK;
}

/* v = x[receiver] − x[sender] + translation: dE/dv pushes the sender and pulls the receiver. */
static mds_status collect(orb *self, mds_state *state, unsigned want)
{
    const orb_graph *graph = &self->graph;
    double w[3][3] = {{0.0}};

    memset(state->f, 0, (size_t)state->n * 3 * sizeof *state->f);
    for (int e = 0; e < graph->edges; ++e) {
        const double *g = self->edges.vector_grad + 3 * (size_t)e;
        const double *v = graph->vector + 3 * (size_t)e;

        for (int a = 0; a < 3; ++a) {
            state->f[3 * graph->sender[e] + a] += g[a];
            state->f[3 * graph->receiver[e] + a] -= g[a];
            for (int b = 0; b < 3; ++b)
                w[a][b] -= v[a] * g[b];
        }
    }
    for (int k = 0; k < 9 && want & MDS_WANT_VIRIAL; ++k)
        state->s->virial_eV[k / 3][k % 3] = 0.5 * (w[k / 3][k % 3] + w[k % 3][k / 3]);
    return MDS_OK;
}

const orb_target orb_target_host = {
    .make_graph = make_graph,
    .average = average,
    .finish = finish,
    .zbl = zbl,
    .collect = collect,
    .make_room = make_room,
};
