r"""The three-factor learning rule on integers: pre-trace x post factor x error, for any layer of synapses.

Group of synapses l with weights W `(out, in)` (or a convolution's kernel) leads from what arrives, y, to neurons
with potential p as it was compared with their threshold, spikes s and class c of the sample. In step t, in this
order, every layer with the weights of the step's begin:

    forward, see `IntLIF`
    x[t]  = hold(decay(x[t-1], trace_decay) + shift(y[t], impulse_exponent))              pre-trace, shape of y
    g[t]  = levels[i] for the first i with |p[t] - threshold| <= edges[i], 0 beyond the last    post factor
    e[t]  = hold(s[t] - onehot(c))                                              error of a spiking output
          = onehot(argmax(p[t] - margin onehot(c))) - onehot(c),   g = 1        of a readout without spikes
          = hold(shift(sum over groups k behind of 2^(E_k - E) B_k^T m_k[t]  +  h[t], error_exponent))    of others
    m[t]  = e[t] g[t]                                                             modulated error
    h     = shift(spikes in the sample before - target, exponent)                 homeostasis, 0 where off
                                                                                       and in the first sample
    G[t]  = hold(G[t-1] + m[t-d] x[t-d]^T)                                        accumulator, shape of W

    at update k = 0, 1, ... (in every step t >= d, or after a sample's last step), all groups together:
    n_k   = min(rate_shift + k // halve_every, rate_shift_end)
    W    <- clip(W + ((r - G) >> n_k) + ((r' - W) >> weight_decay), -weight_max, weight_max),   G <- 0
    r     = draw(seed, k, lane) mod 2^n_k,   r' likewise mod 2^weight_decay              a number a synapse

B is W ('symmetric'), sign(W) ('sign') or fixed random integers -127..127 of W's shape ('random'); E_k is the
exponent of group k, E the least of them. For a convolution m x^T is the correlation of error map and trace map,
summed over all places, and B^T m its transpose. Flattening is undone on the way back; a `Delay` is where the way back
ends, as errors go through space and never through time. With an error delay of d steps the pair (m, x) waits d
steps; those of a sample's last d steps come too late and are lost. Traces, accumulators, waiting pairs and neurons
start every sample from zero; W, which starts clipped to its grid, and k carry over.

`rate` learns once a sample from means, which differ from sums by the factor T only:

    x     = the trace above, with trace_decay 0, after the last step: the scaled number of spikes that arrived
    f[t]  = decay(f[t-1], dv) + 64,  f[t-1] taken as 0 after a spike where reset = 'zero'
    K[t]  = hold(K[t-1] + f[t] g[t])                        eligibility: what a constant current does to s
    g     = min(shift(K[T-1], eligibility_exponent), 2^post_bits - 1)
    e     = the errors above from sum_t s[t] - T onehot(c), or sum_t p[t] - T margin onehot(c), as hold(shift(.,
            error_exponent)) also at a spiking output
    G     = hold(m x^T), once, without delay

Widths, each of them checked or held; `hold` saturates at +-(2^(bits-1) - 1) and what it clips is counted:

| number                | bits                                   | by default                    |
|-----------------------|----------------------------------------|-------------------------------|
| x                     | trace_bits and a sign                  | 7 + 1                         |
| g                     | post_bits, unsigned                    | 7                             |
| e                     | error_bits with the sign               | 8                             |
| m                     | error_bits + post_bits, never clipped  | 15                            |
| B^T m, summed, and h  | below 2^53, proven before learning     | 15 + 7 + log2(out) and more   |
| f                     | 64 T at most                           | 6 + log2(T)                   |
| K, G                  | accumulator_bits with the sign         | 24                            |
| W                     | the grid -weight_max..weight_max       | 8                             |
| spikes in a sample    | log2(T max_spikes)                     | 4 for T = 8                   |

Adding r before the floor rounds the step -G / 2^n stochastically, without bias. `draw` is a counter-based hash, so
any back end can make the number of a synapse without keeping a generator's state. Biases, thresholds and decays do
not learn: a chip's biases have a mantissa and an exponent, on whose grid single steps cannot be taken.

`ottt` is OTTT (Xiao et al., NeurIPS 2022, eqs. 7-9): 'step' is OTTT-O, 'sample' OTTT-A. `rate` is rate-based
backpropagation (Yu et al., NeurIPS 2024, with detached reset). The error of a readout without spikes is the gradient
of the multi-class hinge loss (Crammer and Singer, JMLR 2, 2001). Feedback by sign: Liao, Leibo, Poggio, AAAI 2016; by
random weights: Lillicrap et al., Nature Communications 7, 2016. Homeostasis: the rate regularization of Bellec et
al., Nature Communications 11, 2020, with the spikes of the sample before.

`neurodeploy.semantics.learning.reference` states all of this a second time in plain Python integers.
"""

from neurodeploy.semantics.learning.columns import Columns
from neurodeploy.semantics.learning.draws import draw, feedback_noise, stream_key
from neurodeploy.semantics.learning.errors import hidden_error, output_error
from neurodeploy.semantics.learning.feedback import feedback_weights, sent_back
from neurodeploy.semantics.learning.gather import gathered
from neurodeploy.semantics.learning.limits import (
    back_exponent,
    largest_back,
    largest_modulated,
    require_exact_errors,
)
from neurodeploy.semantics.learning.paths import ErrorPaths, Group, error_paths
from neurodeploy.semantics.learning.post import PHI_ONE, PostFactors, eligibility, mean_factor, post_factor
from neurodeploy.semantics.learning.rule import Homeostasis, NeuronRule, SynapseRule, ThreeFactorRule
from neurodeploy.semantics.learning.state import LayerStatistics, LearningState, initial_state, require_state
from neurodeploy.semantics.learning.trace import pre_trace
from neurodeploy.semantics.learning.update import Updated, accumulate, gradient, updated

__all__ = [
    "PHI_ONE",
    "Columns",
    "ErrorPaths",
    "Group",
    "Homeostasis",
    "LayerStatistics",
    "LearningState",
    "NeuronRule",
    "PostFactors",
    "SynapseRule",
    "ThreeFactorRule",
    "Updated",
    "accumulate",
    "back_exponent",
    "draw",
    "eligibility",
    "error_paths",
    "feedback_noise",
    "feedback_weights",
    "gathered",
    "gradient",
    "hidden_error",
    "initial_state",
    "largest_back",
    "largest_modulated",
    "mean_factor",
    "output_error",
    "post_factor",
    "pre_trace",
    "require_exact_errors",
    "require_state",
    "sent_back",
    "stream_key",
    "updated",
]
