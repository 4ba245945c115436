"""The pyramid model: planes of integers from coarse to fine, entropy-coded inside the graph.

A file of this model holds a small context network, the words of an entropy code, and a network of
two layers that turns the planes into colours. Its graph decodes the code, in a Loop over levels,
and draws the planes at any grid.

    geometry       the sizes of the planes, and where a picture's pixels lie in them
    table          the distribution that every integer is cut out of
    rans           the entropy code
    context, walk  the network that predicts each distribution, and the order of all integers
    header         the line of text that determines the graph
    writer, entropy_graph, graph   the graph of a file
    file           what is stored, how it is checked and described
    cut            the decoder's own graphs
    drawer, decode   decoding with onnxruntime
"""
