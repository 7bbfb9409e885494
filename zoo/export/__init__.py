"""Handing a trained network to other programs: ONNX and MINDIR files, each checked against the network it was made of.

MindSpore 2.10 exports no resizing to ONNX, so the graph is written here: traced at two sizes (`zoo.export.mindir`),
every number that grew with the input recognised as a function of it (`zoo.export.sizes`), each operator put down in
ONNX (`zoo.export.operators`), the whole compared with MindSpore at other sizes and batches (`zoo.export.verify`).
"""
