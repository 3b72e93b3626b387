def decode_text(data: bytes) -> str:
    return data.decode()
