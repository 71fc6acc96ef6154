"""Vocabulary and templates of the generated papers; all of it was written for the demo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Topic:
    """A research topic: its name in titles, a task, a typical problem, its categories."""

    name: str
    task: str
    trouble: str
    categories: tuple[str, ...]


_TOPICS = """
Multimodal Large Language Models | visual question answering | object hallucination | cs.CV cs.CL
MLLMs | chart and document understanding | hallucination of unseen details | cs.CV cs.AI
Multimodal LLM Agents | screen navigation | loss of visual grounding | cs.AI cs.CV
Vision-Language Models | compositional image retrieval | neglect of word order | cs.CV cs.LG
Large Language Models | open-domain question answering | factual hallucination | cs.CL cs.AI
Large Language Models | long-form summarisation | unfaithful summaries | cs.CL
Small Language Models | on-device dialogue | forgetting under quantisation | cs.CL cs.LG
Chain-of-Thought Reasoning | grade-school arithmetic | unfaithful rationales | cs.CL cs.AI
Mathematical Reasoning | competition problem solving | brittle inner steps | cs.AI cs.CL
Visual Reasoning | spatial puzzle solving | shortcut answers | cs.CV cs.AI
Multi-Hop Reasoning | knowledge-base queries | error propagation between hops | cs.CL cs.IR
Causal Reasoning | intervention prediction | confusion of cause and correlate | cs.AI stat.ML
Reward Models | preference learning | reward hacking | cs.LG cs.CL
Process Reward Models | step-level verification | noisy step labels | cs.LG cs.AI cs.CL
Reinforcement Learning from Human Feedback | instruction following | sycophancy | cs.LG cs.CL
Retrieval-Augmented Generation | enterprise search | answers without evidence | cs.IR cs.CL
Machine Translation | translation of low-resource languages | off-target output | cs.CL
Speech Recognition | transcription of accented speech | invented words | eess.AS cs.CL cs.SD
Code Generation | repository-level completion | calls of invented functions | cs.SE cs.CL cs.LG
Tool-Using Agents | web automation | endless loops of useless calls | cs.AI cs.CL
Multi-Agent Systems | negotiation under partial information | silent miscoordination | cs.MA cs.AI
Diffusion Models | text-to-image synthesis | missing attributes | cs.CV cs.LG
Video Diffusion | long video generation | drifting identities | cs.CV
Flow Matching | molecule generation | costly sampling | cs.LG q-bio.QM stat.ML
3D Gaussian Splatting | novel view synthesis | floating artefacts | cs.CV cs.GR
Object Detection | detection of small objects in aerial images | missed rare classes | cs.CV
Medical Image Segmentation | tumour outlining | domain shift between scanners | eess.IV cs.CV
Video Understanding | temporal action localisation | blurred event boundaries | cs.CV cs.AI
Autonomous Driving | trajectory prediction | overconfidence in rare scenes | cs.RO cs.CV cs.LG
Robotic Manipulation | grasping of deformable objects | compounding errors | cs.RO cs.LG
Graph Neural Networks | link prediction | over-smoothing | cs.LG cs.SI
Time-Series Forecasting | energy load forecasting | distribution shift | cs.LG stat.AP
Tabular Learning | credit scoring | missing values | cs.LG stat.ML
Federated Learning | training across hospitals | client drift | cs.LG cs.DC cs.CR
Continual Learning | class-incremental recognition | catastrophic forgetting | cs.LG cs.CV
State-Space Models | million-token sequence modelling | weak recall | cs.LG cs.CL
Mixture-of-Experts Transformers | efficient pre-training | collapsed routing | cs.LG cs.CL cs.DC
Conformal Prediction | prediction under drift | loose coverage | stat.ML cs.LG stat.ME
Gaussian Processes | spatial interpolation | cubic cost | stat.ML cs.LG
Bayesian Deep Learning | calibrated classification | poor posterior approximation | stat.ML cs.LG
Kernel Methods | two-sample testing | choice of bandwidth | stat.ML math.ST
Bandit Algorithms | clinical dose finding | delayed feedback | stat.ML cs.LG cs.AI
Causal Inference | treatment effect estimation | hidden confounding | stat.ML stat.ME econ.EM
Optimisation for Deep Learning | large-batch training | sharp minima | cs.LG math.OC stat.ML
Mechanistic Interpretability | circuit discovery | polysemantic features | cs.LG cs.AI cs.CL
Adversarial Robustness | certified classification | gradient masking | cs.LG cs.CR cs.CV
Recommender Systems | session-based recommendation | popularity bias | cs.IR cs.LG
Automated Planning | task planning for households | plans that cannot be executed | cs.AI cs.RO
Knowledge Graphs | entity alignment | contradictory facts | cs.AI cs.CL cs.IR
Scientific Discovery Agents | hypothesis generation | unverifiable claims | cs.AI cs.CL cs.LG
"""

TOPICS: Final = tuple(
    Topic(name, task, trouble, tuple(categories.split()))
    for name, task, trouble, categories in (
        line.split(" | ") for line in _TOPICS.strip().split("\n")
    )
)

METHODS: Final = tuple(
    """
Contrastive Decoding|Self-Consistency Pruning|Latent Rehearsal|Preference Distillation
Uncertainty-Gated Attention|Token-Level Credit Assignment|Counterfactual Augmentation
Entropy-Guided Sampling|Sparse Feature Steering|Low-Rank Memory Editing|Adaptive Rank Allocation
Evidence Re-Weighting|Curriculum Replay|Hierarchical Verification|Bilevel Data Selection
Spectral Gradient Clipping|Optimal Transport Alignment|Energy-Based Re-Ranking
Stochastic Layer Skipping|Prototype Anchoring|Causal Masking Probes|Debate with Weak Judges
Speculative Tree Search|Invariant Risk Balancing|Test-Time Scaling|Tangent-Space Merging
Cross-Modal Anchors|Wavelet Tokenisation|Implicit Reward Shaping|Deferred Commitment
Group-Relative Baselines|Structured Dropout|Semantic Hashing|Score-Matched Proposals
Region-Aware Prompting|Rejection-Sampled Fine-Tuning|Momentum Ensembles|Query Reformulation
Symbolic Scaffolding|Residual Quantisation|Neighbourhood Smoothing|Margin-Aware Calibration
Trajectory Stitching|Soft Constraint Projection
""".replace("\n", "|")
    .strip("|")
    .split("|")
)

TITLES: Final = tuple(
    """
{system}: {method} for {topic}
{system}: Towards {quality} {topic}
{system}: A Benchmark for {task} with {topic}
{system}: {quality} {task} through {method}
{method} for Better {topic}
{method} for {quality} {task}
{method} and {method2}: A Study of {topic}
{quality} {topic} via {method}
{quality} {topic} without {obstacle}
Beyond {obstacle}: {method} for {topic}
Beyond {method}: Rethinking {task}
Can {topic} Do without {obstacle}?
Can {method} and {method2} Agree? Evidence from {task}
Will {method} Help {topic}? A Controlled Study
From {obstacle} to {method}: {quality} {topic}
How Far Can {method} Take {topic}?
How {topic} Can Fail: {trouble} in {task}
Understanding {trouble} in {topic}
Mitigating {trouble} in {topic} with {method}
Detecting {trouble} with {method}
Measuring {trouble} in {topic} for {task}
Less Is More: {quality} {topic} with {method}
Learning to {verb}: {method} for {topic}
Learning {quality} Representations for {task}
On the Limits of {method} for {topic}
On the Sample Complexity of {method}
Provable {method} for {topic}
Rethinking {obstacle} in {topic}
Revisiting {method} for {task}
Scaling {topic} with {method}
The Hidden Cost of {method} in {topic}
The Role of {obstacle} in {trouble}
Towards {quality} {task}
Towards a Theory of {trouble} in {topic}
What Would Make {topic} {quality}? Lessons from {task}
When to {verb}: {method} for {task}
Why {topic} May Suffer from {trouble}, and What {method} Can Do
A Closer Look at {trouble} in {topic}
A Survey of {method} for {topic}
{task} as {method2}
{topic} Should Know When to {verb}
One Model, Many Voices: {method} for {task}
""".strip().split("\n")
)

QUALITIES: Final = tuple(
    "Robust|Efficient|Faithful|Calibrated|Interpretable|Scalable|Training-Free|Data-Efficient"
    "|Privacy-Preserving|Trustworthy|Fine-Grained|Generalisable|Real-Time|Unsupervised"
    "|Memory-Efficient|Compositional|Long-Horizon|Uncertainty-Aware|Multilingual|Verifiable".split(
        "|"
    )
)

OBSTACLES: Final = tuple(
    "Human Labels|Fine-Tuning|Paired Data|Back-Propagation|Handcrafted Prompts|Full Attention"
    "|Independence Assumptions|Static Benchmarks|Token Budgets|Global Synchronisation"
    "|Fixed Vocabularies|Gold Rationales|Shared Encoders|Dense Supervision|Majority Voting".split(
        "|"
    )
)

VERBS: Final = tuple(
    "Abstain|Verify|Forget|Look Again|Ask|Defer|Retrieve|Plan|Stop Thinking|Disagree|Explore".split(
        "|"
    )
)

OPENINGS: Final = (
    "For all the success of {topic}, {trouble} can still spoil {task}.",
    "Progress in {task} is held back by {trouble}.",
    "Whatever {topic} can do on average, users of {task} still meet {trouble}.",
    "What should a system for {task} do when it is unsure?",
    "The promise of {topic} rests on reliable {task}.",
    "We revisit {task}, a problem that is widely thought to be solved.",
    "Recent work on {topic} reports steady gains in {task}, but rarely asks where they come from.",
    "Practitioners who turn to {topic} for {task} meet {trouble} sooner or later.",
)

GAPS: Final = (
    "Existing remedies need additional labels, or slow inference down by an order of magnitude.",
    "Prior methods treat every input alike, which wastes computation where none is needed.",
    "We show that common evaluation protocols hide this effect almost entirely.",
    "A closer analysis reveals that the failure starts much earlier than the output suggests.",
    "Current approaches assume $p(y \\mid x)$ to be stationary, which fails in practice.",
    "Theory offers little guidance: bounds scale as $\\mathcal{O}(\\sqrt{d/n})$ and are loose.",
    "Most published numbers come from a single seed, and half of the gains vanish over ten.",
    "Neither larger models nor longer training make the problem go away.",
)

PROPOSALS: Final = (
    "We introduce {system}, which combines {method} with {method2} in a single training stage.",
    "This paper presents {system}, a framework built around {method}.",
    "We propose {method}, a plug-in that needs no change of the architecture.",
    "Our approach, {system}, turns {task} into a sequence of decisions that can be verified.",
    "To close this gap we develop {system}, in which {method} decides where effort is spent.",
    "We cast the problem as {method} and derive a practical algorithm from it.",
)

MECHANISMS: Final = (
    "The loss is $\\mathcal{L}_{0} + \\lambda \\, \\mathrm{KL}(q \\| p)$ with a learned weight.",
    "A light-weight critic scores partial outputs and lets the model revise them in time.",
    "The key idea is to compare each prediction with the one made when the evidence is masked.",
    "It keeps a bounded memory of $k \\ll n$ past states and updates it in $O(k \\log k)$ time.",
    "Candidates are sampled, clustered and pruned, so that only disagreements cost extra tokens.",
    "A verifier trained on synthetic comparisons supplies the signal; humans audit one percent.",
    "Gradients flow only where $\\|\\nabla f(x)\\| > \\tau$, which makes training stable.",
    "Two views of an input are aligned by an entropic plan with cost $c(x, y) < \\epsilon$.",
    "Under mild smoothness we prove that the excess risk decays as $\\tilde{O}(n^{-1/2})$.",
    "No parameter is added: the procedure reuses activations the network computes anyway.",
)

RESULTS: Final = (
    "On {count} benchmarks it gains {gain} points of accuracy with {share}% less computation.",
    "Across {count} datasets, the rate of {trouble} falls by {share}% at unchanged quality.",
    "Experiments on {count} tasks show gains of up to {gain}% over strong baselines at equal cost.",
    "With only {share}% of the training data, it matches models that are {count} times larger.",
    "It ranks first in {count} of our settings; where it loses, the gap is below {gain} points.",
    "A human study with {share} participants prefers its output in {wins}% of cases.",
    "The improvement holds for models from 1B to 70B parameters ($p < 0.01$).",
    "Ablations attribute most of the {gain}-point gain to {method2}.",
)

CLOSINGS: Final = (
    "Code, data and checkpoints are available.",
    "We release the benchmark to support further work on {task}.",
    "Our findings suggest that {trouble} should be blamed on the training signal & not on scale.",
    "We discuss limits of the approach and its use beyond {task}.",
    "These results call for a more careful evaluation of {topic}.",
    "The analysis also explains why earlier remedies work for short inputs but not for long ones.",
)

COMMENTS: Final = (
    "",
    "",
    "{pages} pages, {figures} figures",
    "{pages} pages, {figures} figures, code available",
    "Accepted at {venue}",
    "Accepted at {venue}, {pages} pages",
    "Accepted to the {venue} Workshop on Reliable Learning",
    "Under review",
    "Technical report, {pages} pages",
    "Work in progress",
    "To appear in {venue}",
)

VENUES: Final = (
    "NeurIPS 2026|ICLR 2027|AAAI 2027|CVPR 2027|ACL 2027|EMNLP 2026|AISTATS 2027|WACV 2027"
    "|ICRA 2027|TMLR|EACL 2027|COLING 2027"
).split("|")

ORGANIZATIONS: Final = (
    "Northlight Lab|Institute for Open Learning|Meridian Research|University of the Fens"
    "|Blue Harbour AI|Alpine Polytechnic|Riverbank Institute|Kestrel Robotics"
).split("|")

GIVEN: Final = (
    "Amélie|Björn|Chloé|Daniel|Elena|Farah|Grace|Hannah|Ibrahim|Jonas|Kateřina|Lucía|Mateus|Nadia"
    "|Olga|Priya|Quentin|Rachel|Søren|Thomas|Ulrike|Valentina|William|Ximena|Yusuf|Zofia|Aarav|Bich"
    "|Wei|Jing|Min-jun|Seo-yeon|Haruto|Yui|Xin|Jiayi|Ming|Fang|Omar|Leila|Kwame|Ada|José|Miguel"
).split("|")

FAMILY: Final = (
    "Álvarez|Bäcker|Chen|Dvořák|Eriksson|Fernández|García|Hoffmann|Ivanova|Jørgensen|Kowalska|Lefèvre"
    "|Müller|Nguyen|O'Connor|Patel|Quispe|Rossi|Schröder|Tanaka|Usman|Vasquez|Wang|Xu|Yıldız|Zhang"
    "|Okafor|Mensah|Kim|Park|Sato|Suzuki|Li|Liu|Zhao|Huang|Silva|Sørensen|Haddad|Cohen|Singh|Iyer"
).split("|")

CJK_AUTHORS: Final = "山田 花子|王小明|김민서|陈思远|佐藤 健|이서연".split("|")

SYLLABLES: Final = (
    "ar|bel|cor|dan|el|fir|gal|hel|ith|jun|kal|lum|mir|nor|or|pax|qua|ril|sol|tan|ur|vex|win|xen|yar|zel"
).split("|")
