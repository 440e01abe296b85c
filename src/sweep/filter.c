/* Recursive descent over
 *     or     := and { "or" and }
 *     and    := not { "and" not }
 *     not    := "not" not | "(" or ")" | NAME OPERATOR VALUE { "," VALUE }
 * into a tree of nodes in one array; children are indices, so that growing it moves nothing else.
 */
#include "sweep/filter.h"

#include "base/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum node_kind { NODE_OR, NODE_AND, NODE_NOT, NODE_COMPARE } node_kind;
typedef enum relation { REL_EQ, REL_NE, REL_LIKE, REL_LT, REL_LE, REL_GT, REL_GE } relation;
typedef enum subject {
    SUBJECT_SYSTEM,
    SUBJECT_PROTOCOL,
    SUBJECT_MODEL,
    SUBJECT_KEY, /* the last text */
    SUBJECT_SIZE,
    SUBJECT_ATOMS,
    SUBJECT_REPEAT,
    SUBJECT_COUNT
} subject;

static const char *const subject_names[SUBJECT_COUNT] = {"system", "protocol", "model", "key",
                                                         "size",   "n_atoms",  "repeat"};

enum { VALUES_MAX = 32, WORD_SIZE = 64, NODES_MAX = 256, DEPTH_MAX = 64 };

typedef struct node {
    node_kind kind;
    int left, right;
    subject subject;
    relation relation;
    int value_count, first_value;
} node;

typedef struct value {
    char text[WORD_SIZE];
    double number;
} value;

struct mds_filter {
    node node[NODES_MAX];
    value value[NODES_MAX];
    int node_count, value_count, root;
};

typedef struct parser {
    const char *text, *at;
    mds_filter *filter;
    int depth;
    char word[WORD_SIZE]; /* of the present token; "" at the end */
    const char *start;    /* of the present token */
    bool quoted;
    mds_status status;
} parser;

/* Reports the first problem only: what follows it means nothing. Returns -1. */
static int fail_at(parser *p, const char *where, const char *wanted)
{
    const int column = (int)(where - p->text) + 1;

    if (p->status != MDS_OK)
        return -1;
    if (*where)
        p->status = mds_fail(MDS_ERR_USAGE, "filter, column %d: found '%.40s'; %s", column,
                             where == p->start && p->word[0] ? p->word : where, wanted);
    else
        p->status = mds_fail(MDS_ERR_USAGE, "filter, column %d: found the end; %s", column, wanted);
    return -1;
}

static bool is_letter(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("_-.*?+/:#", c));
}

/* The next token into p->word. */
static void advance(parser *p)
{
    static const char *const signs[] = {"==", "!=", "=~", "<=", ">=", "&&", "||",
                                        "<",  ">",  "(",  ")",  ",",  "!",  "="};
    size_t length = 0;

    p->at += strspn(p->at, " \t\n");
    p->start = p->at;
    p->quoted = false;
    p->word[0] = '\0';
    if (*p->at == '"' || *p->at == '\'') {
        const char *close = strchr(p->at + 1, *p->at);
        length = close ? (size_t)(close - p->at) - 1 : 0;
        if (!close || length == 0 || length >= WORD_SIZE) {
            fail_at(p, p->at, "a quoted text that ends, of 1 to 63 letters, would be right");
            return;
        }
        memcpy(p->word, p->at + 1, length);
        p->word[length] = '\0';
        p->quoted = true;
        p->at = close + 1;
        return;
    }
    while (is_letter(p->at[length]))
        ++length;
    for (size_t i = 0; length == 0 && i < sizeof signs / sizeof *signs; ++i)
        if (strncmp(p->at, signs[i], strlen(signs[i])) == 0)
            length = strlen(signs[i]);
    if ((length == 0 && *p->at) || length >= WORD_SIZE) {
        fail_at(p, p->at, "a name, a comparison or a parenthesis would be right");
        return;
    }
    memcpy(p->word, p->at, length);
    p->word[length] = '\0';
    p->at += length;
}

static bool is_token(const parser *p, const char *a, const char *b)
{
    return p->status == MDS_OK && !p->quoted &&
           (strcmp(p->word, a) == 0 || strcmp(p->word, b) == 0);
}

static int add_node(parser *p, node_kind kind, int left, int right)
{
    if (left < 0 || right < 0 || p->status != MDS_OK)
        return -1;
    if (p->filter->node_count == NODES_MAX)
        return fail_at(p, p->start, "there are too many terms, at most 256 are possible");
    p->filter->node[p->filter->node_count] = (node){.kind = kind, .left = left, .right = right};
    return p->filter->node_count++;
}

static int parse_or(parser *p);

static bool parse_subject(parser *p, subject *out)
{
    char wanted[160];

    for (int i = 0; i < SUBJECT_COUNT && !p->quoted; ++i)
        if (strcmp(p->word, subject_names[i]) == 0) {
            *out = (subject)i;
            advance(p);
            return true;
        }
    const char *near = mds_nearest_word(p->word, subject_names, SUBJECT_COUNT);
    if (near && p->word[0])
        snprintf(wanted, sizeof wanted, "did you mean '%s'?", near);
    else
        snprintf(wanted, sizeof wanted,
                 "one of system, protocol, model, size, n_atoms, repeat, key would be right");
    fail_at(p, p->start, wanted);
    return false;
}

static bool parse_relation(parser *p, subject what, relation *out)
{
    static const char *const words[] = {"==", "!=", "=~", "<", "<=", ">", ">="};
    const bool is_text = what <= SUBJECT_KEY;

    for (int i = 0; i <= REL_GE; ++i)
        if (is_token(p, words[i], i == REL_EQ ? "=" : words[i])) {
            *out = (relation)i;
            if (is_text ? i > REL_LIKE : i == REL_LIKE)
                break;
            advance(p);
            return true;
        }
    fail_at(p, p->start,
            is_text ? "a text is compared by == != or =~"
                    : "a number is compared by == != < <= > or >=");
    return false;
}

static bool parse_value(parser *p, subject what, node *compare)
{
    mds_filter *f = p->filter;
    char *end;

    if (!p->word[0] || (!p->quoted && !is_letter(p->word[0]))) {
        fail_at(p, p->start, "a value would be right");
        return false;
    }
    if (f->value_count == NODES_MAX) {
        fail_at(p, p->start, "there are too many values, at most 256 are possible");
        return false;
    }
    value *v = &f->value[f->value_count];
    snprintf(v->text, sizeof v->text, "%s", p->word);
    v->number = strtod(p->word, &end);
    if (what > SUBJECT_KEY && *end) {
        fail_at(p, p->start, "a number would be right");
        return false;
    }
    ++f->value_count;
    ++compare->value_count;
    advance(p);
    return true;
}

static int parse_compare(parser *p)
{
    node compare = {.kind = NODE_COMPARE, .first_value = p->filter->value_count};

    if (!parse_subject(p, &compare.subject) ||
        !parse_relation(p, compare.subject, &compare.relation) ||
        !parse_value(p, compare.subject, &compare))
        return -1;
    while (is_token(p, ",", ",")) {
        if (compare.relation >= REL_LT)
            return fail_at(p, p->start, "a list of values goes with == != and =~ only");
        advance(p);
        if (!parse_value(p, compare.subject, &compare))
            return -1;
    }
    const int index = add_node(p, NODE_COMPARE, 0, 0);
    if (index >= 0)
        p->filter->node[index] = compare;
    return index;
}

static int parse_not(parser *p)
{
    int inner;

    if (p->depth >= DEPTH_MAX)
        return fail_at(p, p->start, "terms are nested too deep, at most 64 levels are possible");
    if (is_token(p, "not", "!")) {
        advance(p);
        ++p->depth;
        inner = parse_not(p);
        --p->depth;
        return add_node(p, NODE_NOT, inner, 0);
    }
    if (!is_token(p, "(", "("))
        return parse_compare(p);
    advance(p);
    ++p->depth;
    inner = parse_or(p);
    --p->depth;
    if (inner >= 0 && !is_token(p, ")", ")"))
        return fail_at(p, p->start, "and, or, or ')' would be right");
    advance(p);
    return inner;
}

static int parse_and(parser *p)
{
    int left = parse_not(p);

    while (left >= 0 && is_token(p, "and", "&&")) {
        advance(p);
        left = add_node(p, NODE_AND, left, parse_not(p));
    }
    return left;
}

static int parse_or(parser *p)
{
    int left = parse_and(p);

    while (left >= 0 && is_token(p, "or", "||")) {
        advance(p);
        left = add_node(p, NODE_OR, left, parse_and(p));
    }
    return left;
}

mds_status mds_filter_parse(const char *text, mds_filter **out)
{
    parser p = {.text = text, .at = text, .filter = calloc(1, sizeof *p.filter)};

    *out = NULL;
    if (!p.filter)
        return mds_fail(MDS_ERR_NOMEM, "no memory for the filter");
    advance(&p);
    p.filter->root = parse_or(&p);
    if (p.status == MDS_OK && (p.word[0] || p.quoted))
        fail_at(&p, p.start, "and, or, or the end would be right");
    if (p.status != MDS_OK) {
        free(p.filter);
        return p.status;
    }
    *out = p.filter;
    return MDS_OK;
}

void mds_filter_destroy(mds_filter *filter)
{
    free(filter);
}

/* `*` stands for any letters, `?` for one. */
static bool is_like(const char *text, const char *pattern)
{
    const char *star = NULL, *resume = NULL;

    while (*text) {
        if (*pattern == '*') {
            star = pattern++;
            resume = text;
        } else if (*pattern == '?' || *pattern == *text) {
            ++pattern;
            ++text;
        } else if (star) {
            pattern = star + 1;
            text = ++resume;
        } else
            return false;
    }
    pattern += strspn(pattern, "*");
    return !*pattern;
}

static bool holds_text(const mds_filter *filter, const node *n, const char *text)
{
    bool any = false;

    for (int i = 0; i < n->value_count && !any; ++i) {
        const char *want = filter->value[n->first_value + i].text;
        any = n->relation == REL_LIKE ? is_like(text, want) : strcmp(text, want) == 0;
    }
    return n->relation == REL_NE ? !any : any;
}

static bool holds_number(const mds_filter *filter, const node *n, double number)
{
    const double first = filter->value[n->first_value].number;
    bool any = false;

    switch (n->relation) {
    case REL_LT:
        return number < first;
    case REL_LE:
        return number <= first;
    case REL_GT:
        return number > first;
    case REL_GE:
        return number >= first;
    default:
        for (int i = 0; i < n->value_count; ++i)
            any |= number == filter->value[n->first_value + i].number;
        return n->relation == REL_NE ? !any : any;
    }
}

static bool holds(const mds_filter *filter, const node *n, const mds_study *study,
                  const mds_case *point)
{
    char key[20];

    switch (n->subject) {
    case SUBJECT_SYSTEM:
        return holds_text(filter, n, study->systems[point->system].name);
    case SUBJECT_PROTOCOL:
        return holds_text(filter, n, study->protocols[point->protocol].name);
    case SUBJECT_MODEL:
        return holds_text(filter, n, study->models[point->model].name);
    case SUBJECT_KEY:
        snprintf(key, sizeof key, "%016" PRIx64, point->key);
        return holds_text(filter, n, key);
    case SUBJECT_SIZE:
        return holds_number(filter, n, point->n_asked);
    case SUBJECT_ATOMS:
        return holds_number(filter, n, point->n_atoms);
    default:
        return holds_number(filter, n, point->repeat);
    }
}

static bool match_node(const mds_filter *filter, int index, const mds_study *study,
                       const mds_case *point)
{
    const node *n = &filter->node[index];

    switch (n->kind) {
    case NODE_OR:
        return match_node(filter, n->left, study, point) ||
               match_node(filter, n->right, study, point);
    case NODE_AND:
        return match_node(filter, n->left, study, point) &&
               match_node(filter, n->right, study, point);
    case NODE_NOT:
        return !match_node(filter, n->left, study, point);
    default:
        return holds(filter, n, study, point);
    }
}

bool mds_filter_match(const mds_filter *filter, const mds_study *study, const mds_case *point)
{
    return match_node(filter, filter->root, study, point);
}

/* The names on a text axis; at most `max`. */
static int axis_names(const mds_study *study, subject what, const char **names, int max)
{
    const int count = what == SUBJECT_SYSTEM     ? study->system_count
                      : what == SUBJECT_PROTOCOL ? study->protocol_count
                      : what == SUBJECT_MODEL    ? study->model_count
                                                 : 0;

    for (int i = 0; i < count && i < max; ++i)
        names[i] = what == SUBJECT_SYSTEM     ? study->systems[i].name
                   : what == SUBJECT_PROTOCOL ? study->protocols[i].name
                                              : study->models[i].name;
    return count < max ? count : max;
}

const char *mds_filter_hint(const mds_filter *filter, const mds_study *study, char *out,
                            size_t size)
{
    const char *names[256];

    snprintf(out, size, "%s", "");
    for (int k = 0; k < filter->node_count; ++k) {
        const node *n = &filter->node[k];
        const int count = n->kind == NODE_COMPARE ? axis_names(study, n->subject, names, 256) : 0;

        for (int v = 0; count > 0 && n->relation != REL_LIKE && v < n->value_count; ++v) {
            const char *word = filter->value[n->first_value + v].text;
            bool there = false;

            for (int i = 0; i < count && !there; ++i)
                there = strcmp(names[i], word) == 0;
            if (there)
                continue;
            const char *near = mds_nearest_word(word, names, count);
            snprintf(out, size, "; no %s is called '%s'%s%s%s", subject_names[n->subject], word,
                     near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
            return out;
        }
    }
    return out;
}
