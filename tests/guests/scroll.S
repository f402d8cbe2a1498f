/* A boot sector that works the screen, for tests/bench/vnc. It greets, then sleeps until a key comes:
 *   S  print a line with each timer tick (18.2 a second), so that the picture scrolls; I  be idle again
 *   G  the same in a graphics mode: 1024x768, 32 bits (SeaVGABIOS, mode 0x144)
 * Anything else is echoed. */
	.code16
	.text
	.globl start
start:
	ljmp $0, $1f
1:	xor %ax, %ax
	mov %ax, %ds
	mov %ax, %es
	mov %ax, %ss
	mov $0x7c00, %sp
	mov $3, %ax
	int $0x10
	mov $greeting, %si
	call show
next:	sti
	hlt
	mov $1, %ah
	int $0x16
	jz tick
	mov $0, %ah
	int $0x16
	cmp $'S', %al
	je scroll
	cmp $'I', %al
	je idle
	cmp $'G', %al
	je graphics
	call put
	jmp next
scroll:	movb $1, scrolling
	jmp next
idle:	movb $0, scrolling
	jmp next
graphics:
	mov $0x4f02, %ax
	mov $0x4144, %bx
	int $0x10
	mov $greeting, %si
	call show
	jmp next

/* One line a tick: the BIOS counts them. */
tick:	cmpb $0, scrolling
	je next
	mov 0x46c, %eax
	cmp last, %eax
	je next
	mov %eax, last
	mov %al, %dl
	mov $60, %cx
2:	mov %dl, %al
	and $63, %al
	add $'0', %al
	push %cx
	push %dx
	call put
	pop %dx
	pop %cx
	add $7, %dl
	loop 2b
	mov $newline, %si
	call show
	jmp next

show:	lodsb
	test %al, %al
	jz 3f
	push %si
	call put
	pop %si
	jmp show
put:	mov $0x0e, %ah
	mov $7, %bx
	int $0x10
3:	ret

greeting:
	.ascii "hello from the screen"
newline:
	.asciz "\r\n"
scrolling:
	.byte 0
last:	.long 0
	.org 510
	.word 0xaa55
	.section .note.GNU-stack, "", @progbits
