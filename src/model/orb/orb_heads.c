/* From features to energy, and in direct models to forces and stress; the repulsion of near nuclei.
 * Normalisers are undone in float64: energies of thousands of eV have no room in float32. */
#include "model/orb/orb.h"
#include "model/orb/orb_model.h"
#include "model/orb/orb_zbl.h"

#include <string.h>

static double value_at(const orb *self, const void *x, size_t i)
{
    return self->real == MDS_REAL_FP32 ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

static void set_value(const orb *self, void *x, size_t i, double value)
{
    if (self->real == MDS_REAL_FP32)
        ((float *)x)[i] = (float)value;
    else
        ((double *)x)[i] = value;
}

/* nodes.mean: the features' mean over the atoms, summed in float64. */
static void average(const orb *self)
{
    const int n = self->graph.n;
    double sum[ORB_WIDTH] = {0.0};

    for (int i = 0; i < n; ++i)
        for (int j = 0; j < ORB_WIDTH; ++j)
            sum[j] += value_at(self, self->nodes.h, (size_t)i * ORB_WIDTH + (size_t)j);
    for (int j = 0; j < ORB_WIDTH; ++j)
        set_value(self, self->nodes.mean, (size_t)j, sum[j] / n);
}

/* The head on rows of x; nodes.out (rows, outputs) before the normaliser is undone. nodes.head
 * keeps the input of the activation when `keep`, for the gradient. */
static mds_status apply(const orb *self, const orb_head *head, int rows, const void *x, bool keep)
{
    const mds_bias_act hidden = {.real = self->real,
                                 .act = orb_activation(self),
                                 .rows = rows,
                                 .cols = ORB_WIDTH,
                                 .bias = head->b[0],
                                 .x = self->nodes.head,
                                 .y = keep ? self->nodes.y1 : self->nodes.head,
                                 .ldx = ORB_WIDTH,
                                 .ldy = ORB_WIDTH};
    const mds_bias_act out = {.real = self->real,
                              .act = {MDS_ACT_NONE, 0.0},
                              .rows = rows,
                              .cols = head->outputs,
                              .bias = head->b[1],
                              .x = self->nodes.out,
                              .y = self->nodes.out,
                              .ldx = head->outputs,
                              .ldy = head->outputs};
    mds_status status;

    MDS_TRY(orb_product(self, rows, ORB_WIDTH, ORB_WIDTH, x, ORB_WIDTH, head->w[0], ORB_WIDTH,
                        hidden.x, ORB_WIDTH));
    MDS_TRY(mds_op_bias_act(NULL, self->base.device, &hidden));
    MDS_TRY(orb_product(self, rows, head->outputs, ORB_WIDTH, hidden.y, ORB_WIDTH, head->w[1],
                        ORB_WIDTH, out.x, head->outputs));
    status = mds_op_bias_act(NULL, self->base.device, &out);
out:
    return status;
}

static mds_status energy_of(const orb *self, mds_state *state)
{
    const orb_head *head = &self->weights.energy;

    average(self);
    const mds_status status = apply(self, head, 1, self->nodes.mean, true);
    const double x = value_at(self, self->nodes.out, 0);

    state->s->potential_eV = (x * head->scale[0] + head->shift[0]) * state->n +
                             self->reference_energy;
    return status;
}

/* Eigenvectors (columns of q) and values of a symmetric matrix by Jacobi's rotations. */
static void diagonalize(double m[3][3], double q[3][3])
{
    memset(q, 0, 9 * sizeof(double));
    q[0][0] = q[1][1] = q[2][2] = 1.0;
    for (int sweep = 0; sweep < 40; ++sweep)
        for (int pair = 0; pair < 3; ++pair) {
            const int a = pair == 2 ? 1 : 0, b = pair == 0 ? 1 : 2;

            if (m[a][b] == 0.0)
                continue;
            const double theta = 0.5 * atan2(2.0 * m[a][b], m[b][b] - m[a][a]);
            const double c = cos(theta), s = sin(theta);
            for (int k = 0; k < 3; ++k) {
                const double x = m[k][a], y = m[k][b], u = q[k][a], v = q[k][b];

                m[k][a] = c * x - s * y;
                m[k][b] = s * x + c * y;
                q[k][a] = c * u - s * v;
                q[k][b] = s * u + c * v;
            }
            for (int k = 0; k < 3; ++k) {
                const double x = m[a][k], y = m[b][k];

                m[a][k] = c * x - s * y;
                m[b][k] = s * x + c * y;
            }
        }
}

/* x = m⁺ y; directions in which m is nearly zero (a linear molecule's axis) are left out. */
static void solve_symmetric(double m[3][3], const double y[3], double x[3])
{
    double q[3][3], largest = 0.0;

    diagonalize(m, q);
    for (int k = 0; k < 3; ++k)
        largest = fmax(largest, fabs(m[k][k]));
    memset(x, 0, 3 * sizeof *x);
    for (int k = 0; k < 3; ++k) {
        const double along = q[0][k] * y[0] + q[1][k] * y[1] + q[2][k] * y[2];

        for (int a = 0; fabs(m[k][k]) > 1e-12 * largest && a < 3; ++a)
            x[a] += q[a][k] * along / m[k][k];
    }
}

static void cross(const double a[3], const double b[3], double out[3])
{
    for (int k = 0; k < 3; ++k)
        out[k] = a[(k + 1) % 3] * b[(k + 2) % 3] - a[(k + 2) % 3] * b[(k + 1) % 3];
}

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
        cross(rho, f + 3 * (size_t)i, part);
        for (int a = 0; a < 3; ++a) {
            torque[a] -= part[a];
            square += rho[a] * rho[a];
            for (int b = 0; b < 3; ++b)
                m[a][b] += rho[a] * rho[b];
        }
    }
    for (int a = 0; a < 3; ++a)
        m[a][a] -= square;
    solve_symmetric(m, torque, turn);
    for (int i = 0; i < n; ++i) {
        double rho[3], change[3];

        for (int a = 0; a < 3; ++a)
            rho[a] = x[3 * i + a] - centre[a];
        cross(rho, turn, change);
        for (int a = 0; a < 3; ++a)
            f[3 * i + a] += change[a];
    }
}

/* The net force is taken away before the normaliser is undone, so what is left is n·shift. */
static mds_status forces_of(const orb *self, mds_state *state)
{
    const orb_head *head = &self->weights.forces;
    const int n = state->n;
    double mean[3];
    const mds_status status = apply(self, head, n, self->nodes.h, false);

    if (status != MDS_OK)
        return status;
    for (int k = 0; k < 3 * n; ++k)
        state->f[k] = value_at(self, self->nodes.out, (size_t)k);
    column_mean(state->f, n, mean);
    for (int k = 0; k < 3 * n; ++k)
        state->f[k] -= mean[k % 3];
    if (!state->box.periodic[0])
        remove_torque(state->x, n, state->f);
    for (int k = 0; k < 3 * n; ++k)
        state->f[k] = state->f[k] * head->scale[0] + head->shift[0];
    return MDS_OK;
}

/* The head's order is xx yy zz yz xz xy; stress positive in tension, W = −Vσ. Without a cell there
 * is none. */
static mds_status virial_of(const orb *self, mds_state *state)
{
    static const int row[6] = {0, 1, 2, 1, 0, 0}, col[6] = {0, 1, 2, 2, 2, 1};
    const orb_head *head = &self->weights.stress;
    const mds_status status = apply(self, head, 1, self->nodes.mean, false);

    for (int k = 0; k < 6 && status == MDS_OK; ++k) {
        const int which = k >= 3;
        const double stress = value_at(self, self->nodes.out, (size_t)k) * head->scale[which] +
                              head->shift[which];
        const double virial = state->box.periodic[0] ? -stress * state->box.volume : NAN;

        state->s->virial_eV[row[k]][col[k]] = virial;
        state->s->virial_eV[col[k]][row[k]] = virial;
    }
    return status;
}

mds_status orb_heads(orb *self, mds_state *state, unsigned want)
{
    mds_status status;

    MDS_TRY(energy_of(self, state));
    if (!self->variant->conservative) {
        MDS_TRY(forces_of(self, state));
        if (want & MDS_WANT_VIRIAL)
            MDS_TRY(virial_of(self, state));
    }
out:
    return status;
}

/* dE/dh_i = (1/n)·n·σ·(w₁ ⊙ act′(z))·W₀, for every i; z still stands in nodes.head, as the energy
 * is the only head of a conservative model. */
mds_status orb_energy_grad(orb *self)
{
    const orb_head *head = &self->weights.energy;
    const mds_act_grad slope = {.real = self->real,
                                .act = orb_activation(self),
                                .rows = 1,
                                .cols = ORB_WIDTH,
                                .z = self->nodes.head,
                                .g = self->nodes.y1,
                                .ldz = ORB_WIDTH,
                                .ldg = ORB_WIDTH};

    for (size_t j = 0; j < ORB_WIDTH; ++j)
        set_value(self, self->nodes.y1, j, head->scale[0] * value_at(self, head->w[1], j));
    const mds_status status = mds_op_act_grad(NULL, self->base.device, &slope);
    if (status != MDS_OK)
        return status;
    return orb_product_back(self, 1, ORB_WIDTH, ORB_WIDTH, self->nodes.y1, ORB_WIDTH, head->w[0],
                            ORB_WIDTH, 0.0, self->nodes.mean, ORB_WIDTH);
}

mds_status orb_confidence(mds_model *model, double *out)
{
    const orb *self = (const orb *)model;
    const orb_head *head = &self->weights.confidence;

    if (!head->outputs)
        return mds_fail(MDS_ERR_UNSUPPORTED, "%s has no confidence", self->variant->name);
    const mds_status status = apply(self, head, self->graph.n, self->nodes.h, false);
    for (int i = 0; i < self->graph.n && status == MDS_OK; ++i) {
        double *row = out + (size_t)i * ORB_BINS, highest = -INFINITY, sum = 0.0;

        for (int k = 0; k < ORB_BINS; ++k) {
            row[k] = value_at(self, self->nodes.out, (size_t)i * ORB_BINS + (size_t)k);
            highest = fmax(highest, row[k]);
        }
        for (int k = 0; k < ORB_BINS; ++k)
            sum += row[k] = exp(row[k] - highest);
        for (int k = 0; k < ORB_BINS; ++k)
            row[k] /= sum;
    }
    return status;
}

/* ---- repulsion ---- */

static double determinant(const double h[3][3])
{
    double c[3];

    cross(h[1], h[2], c);
    return h[0][0] * c[0] + h[0][1] * c[1] + h[0][2] * c[2];
}

/* Over the directed edges that there are, as in training: a pair counts twice when each is among
 * the other's nearest. Conservative models have the mean over the atoms as their energy. The direct
 * models' stress is divided by the determinant with its sign: in a left-handed cell it is the wrong
 * way round, as in the original. */
void orb_add_zbl(orb *self, mds_state *state, unsigned want)
{
    const orb_graph *graph = &self->graph;
    const bool direct = !self->variant->conservative;
    double energy = 0.0, w[3][3] = {{0.0}};

    for (int e = 0; e < graph->edges; ++e) {
        const int s = graph->sender[e], r = graph->receiver[e];
        const int zs = self->nodes.number[s] + 1, zr = self->nodes.number[r] + 1;
        const double reach = orb_covalent_radius[zs] + orb_covalent_radius[zr];
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
        return;
    const double sign = determinant((const double(*)[3])state->box.h) < 0.0 ? -1.0 : 1.0;
    for (int k = 0; k < 9; ++k)
        state->s->virial_eV[k / 3][k % 3] += sign * 0.5 * (w[k / 3][k % 3] + w[k % 3][k / 3]);
}
