/* The chapters of the interpreter, in the order in which they build on each other; read once per type. */
#include "real.h"

#include "activations.h"
#include "columns.h"
#include "layers.h"
#include "periodic.h"
#include "spline.h"
#include "tiny.h"
#include "losses.h"
#include "normalization.h"
#include "optimizers.h"
#include "run.h"
