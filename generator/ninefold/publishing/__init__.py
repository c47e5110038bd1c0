"""Publishing: executed notebooks become one document, which templates render. Executes nothing."""
